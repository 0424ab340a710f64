"""The one settings file: everything comes from the environment, nothing is guessed in secret."""

from __future__ import annotations

import contextlib
import os
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from maplebridge.config.applications import application_apps
from maplebridge.connectors.postgres import settings_from_url

PACKAGE = Path(__file__).resolve().parent.parent
STATE = Path(os.environ.get("MAPLEBRIDGE_STATE", "var")).resolve()

# Without a key the checks of config/checks.py refuse to start.
SECRET_KEY = os.environ.get("MAPLEBRIDGE_SECRET_KEY", "")
# Earlier keys, by comma, while a change of key is under way: what they signed still holds.
SECRET_KEY_FALLBACKS = list(filter(None, os.environ.get("MAPLEBRIDGE_OLD_KEYS", "").split(",")))
DEBUG = False
DEMONSTRATION = os.environ.get("MAPLEBRIDGE_DEMONSTRATION", "") == "1"
ALLOWED_HOSTS = os.environ.get("MAPLEBRIDGE_HOSTS", "127.0.0.1,localhost,[::1],testserver").split(
    ","
)
CSRF_TRUSTED_ORIGINS = [
    origin for origin in os.environ.get("MAPLEBRIDGE_ORIGINS", "").split(",") if origin
]
# Whether readers come over TLS, which our own proxy speaks: by the origins, unless said.
TLS = os.environ.get(
    "MAPLEBRIDGE_TLS", str(int(any(o.startswith("https://") for o in CSRF_TRUSTED_ORIGINS)))
) == "1"  # fmt: skip
# How many proxies of ours stand in front; X-Forwarded-For is believed so far and no further.
_PROXIES = os.environ.get("MAPLEBRIDGE_PROXIES", str(int(TLS)))
PROXIES = int(_PROXIES) if _PROXIES.isdecimal() else 0


def _networks(said: str) -> list[IPv4Network | IPv6Network]:
    """Networks by comma; config/checks.py says which of them are none."""
    found = []
    for part in filter(None, said.split(",")):
        with contextlib.suppress(ValueError):
            found.append(ip_network(part.strip(), strict=False))
    return found


# Partner platforms that report for many; the budgets of networks do not hold for them.
TRUSTED_NETWORKS = _networks(os.environ.get("MAPLEBRIDGE_TRUSTED_NETWORKS", ""))

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "maplebridge.connectors",
    "maplebridge.organisation",
    "maplebridge.cases",
    "maplebridge.journey",
    "maplebridge.insight",
    "maplebridge.web.parts",
    "maplebridge.web.resident",
    "maplebridge.web.command",
    "maplebridge.web.worker",
    "maplebridge.web.board",
    "maplebridge.web.backoffice",
    "maplebridge.web.account",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    *application_apps(),
    "maplebridge.config",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "maplebridge.web.parts.middleware.DeskMiddleware",
]

ROOT_URLCONF = "maplebridge.config.urls"
WSGI_APPLICATION = "maplebridge.config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            # A form drawn at a desk says under which post: our own {% csrf_token %}.
            "builtins": ["maplebridge.web.parts.templatetags.forms"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "maplebridge.web.parts.context.shown_everywhere",
            ],
        },
    },
]

_OWNER_URL = os.environ.get("DATABASE_OWNER_URL", "")
DATABASES = {
    # The application's role owns no table; migrations run as "owner".
    "default": settings_from_url(
        os.environ.get("DATABASE_APP_URL", "postgresql:///maplebridge"),
    ),
}
DATABASES["default"].setdefault("OPTIONS", {})
if os.environ.get("MAPLEBRIDGE_POOL", "1") == "1":
    DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 2, "max_size": 16, "timeout": 5}
if _OWNER_URL:
    DATABASES["owner"] = settings_from_url(_OWNER_URL)

AUTH_USER_MODEL = "organisation.Account"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/desk/"
LOGOUT_REDIRECT_URL = "/"

# Signing in is django-allauth's; our own pages and budgets stand in front of it. Accounts are made
# by the security officer: nobody signs up, and no mail is sent.
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_ADAPTER = "maplebridge.web.account.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_USER_MODEL_EMAIL_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
# web/parts/limits.py counts instead: in the database, and apart for known devices.
ACCOUNT_RATE_LIMITS = False
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if TLS else "http"
ALLAUTH_TRUSTED_PROXY_COUNT = PROXIES
MFA_ADAPTER = "maplebridge.web.account.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "preferred"
# Clocks of telephones and servers differ; each code is taken once all the same.
MFA_TOTP_TOLERANCE = 1
MFA_RATE_LIMITS = False
MFA_FORMS = {
    "authenticate": "maplebridge.web.account.forms.SecondFactorForm",
    "activate_totp": "maplebridge.web.account.forms.EnrolCodesForm",
}
# Roles that read across cases, rule over settings or over others need a second factor.
# What a wrong category costs the city, in looks of a clerk; above 1 - 1 / cost none is asked for.
_COST = os.environ.get("MAPLEBRIDGE_WRONG_CATEGORY_COST", "2")
WRONG_CATEGORY_COST = int(_COST) if _COST.isdecimal() else 0
SECOND_FACTOR = os.environ.get(
    "MAPLEBRIDGE_SECOND_FACTOR",
    "clerk,officer,dispatcher,revisitor,supervisor,leader,auditor,administrator,security",
).split(",")

# A city's identity provider: OpenID Connect, authorization code with PKCE.
OIDC_ISSUER = os.environ.get("MAPLEBRIDGE_OIDC_ISSUER", "").rstrip("/")
OIDC_CLIENT = os.environ.get("MAPLEBRIDGE_OIDC_CLIENT", "")
OIDC_SECRET_FILE = os.environ.get("MAPLEBRIDGE_OIDC_SECRET_FILE", "")
OIDC_NAME = os.environ.get("MAPLEBRIDGE_OIDC_NAME", "")
# The claim that holds our login name; without it only accounts linked beforehand may come in.
OIDC_LOGIN_CLAIM = os.environ.get("MAPLEBRIDGE_OIDC_LOGIN_CLAIM", "")
# The `acr` by which the provider says that it asked for a second factor.
OIDC_SECOND_FACTOR = os.environ.get("MAPLEBRIDGE_OIDC_SECOND_FACTOR", "")
SOCIALACCOUNT_ADAPTER = "maplebridge.web.account.adapters.CityAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_LOGIN_ON_GET = True
SOCIALACCOUNT_OPENID_CONNECT_URL_PREFIX = ""


def _secret_of(path: str) -> str:
    """The client's secret; config/checks.py says when the file cannot be read."""
    with contextlib.suppress(OSError):
        return Path(path).read_text(encoding="utf-8").strip() if path else ""
    return ""


SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "AUTH_PARAMS": {"acr_values": OIDC_SECOND_FACTOR} if OIDC_SECOND_FACTOR else {},
        "APPS": [
            {
                "provider_id": "city",
                "name": OIDC_NAME,
                "client_id": OIDC_CLIENT,
                "secret": _secret_of(OIDC_SECRET_FILE),
                "settings": {"server_url": OIDC_ISSUER, "scope": ["openid", "profile"]},
            }
        ]
        if OIDC_ISSUER
        else [],
    }
}

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Chinese")), ("en", _("English"))]
LOCALE_PATHS = [PACKAGE / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = STATE / "static"
WHITENOISE_USE_FINDERS = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
MEDIA_ROOT = STATE / "media"

# One photo may have 15 MB; a form with five of them and its words stays under this.
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# A session ends when nobody worked with it for so long, and after a working day in any case.
SESSION_ENGINE = "maplebridge.web.parts.sessions"
_IDLE = os.environ.get("MAPLEBRIDGE_IDLE_MINUTES", "720" if DEMONSTRATION else "30")
SESSION_COOKIE_AGE = (int(_IDLE) if _IDLE.isdecimal() else 30) * 60
_HOURS = os.environ.get("MAPLEBRIDGE_SESSION_HOURS", "12")
SESSION_HOURS = int(_HOURS) if _HOURS.isdecimal() else 12
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = TLS
CSRF_COOKIE_SECURE = TLS
CSRF_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SECURE = TLS
LANGUAGE_COOKIE_SAMESITE = "Lax"
DEVICE_COOKIE_NAME = "device"
if TLS:
    # A browser takes such a cookie only from this very host, and only over TLS.
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrf"
    DEVICE_COOKIE_NAME = "__Host-device"
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
HSTS_SECONDS = 365 * 24 * 3600 if TLS else 0
CSRF_FAILURE_VIEW = "maplebridge.web.parts.kept_forms.stale_form"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"maplebridge": {"level": "INFO"}},
}

# Under which who reported and the originals of photos are sealed; `maplebridge keys` changes it.
SEAL_KEYS = Path(os.environ.get("MAPLEBRIDGE_KEYS") or STATE / "secrets" / "keys.json").absolute()
# The cipher of keys that are drawn from now on: aes (AES-256-GCM) or sm4 (SM4-GCM, with SM3).
SEAL_CIPHER = os.environ.get("MAPLEBRIDGE_CIPHER", "aes")

# The tiles under every map, of a service or in a .pmtiles file; none unless said.
BASE_MAP = os.environ.get("MAPLEBRIDGE_BASE_MAP", "")
BASE_MAP_DATUM = os.environ.get("MAPLEBRIDGE_BASE_MAP_DATUM", "WGS84")
BASE_MAP_WORDS = os.environ.get("MAPLEBRIDGE_BASE_MAP_WORDS", "")
BASE_MAP_ZOOM = os.environ.get("MAPLEBRIDGE_BASE_MAP_ZOOM", "18")

# Where the city stands: the root of the area tree, and how far automatic steps are trusted.
CITY_CODE = os.environ.get("MAPLEBRIDGE_CITY", "3308")

# Where messages go: a TOML file of channels; without one they stay in the state folder.
MESSAGES = os.environ.get("MAPLEBRIDGE_MESSAGES", "")
