"""The one settings file: everything comes from the environment, nothing is guessed in secret."""

from __future__ import annotations

import os
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from maplebridge.config.applications import application_apps
from maplebridge.connectors.postgres import settings_from_url

PACKAGE = Path(__file__).resolve().parent.parent
STATE = Path(os.environ.get("MAPLEBRIDGE_STATE", "var")).resolve()

# Without a key the checks of config/checks.py refuse to start.
SECRET_KEY = os.environ.get("MAPLEBRIDGE_SECRET_KEY", "")
DEBUG = False
DEMONSTRATION = os.environ.get("MAPLEBRIDGE_DEMONSTRATION", "") == "1"
ALLOWED_HOSTS = os.environ.get("MAPLEBRIDGE_HOSTS", "127.0.0.1,localhost,[::1],testserver").split(
    ","
)
CSRF_TRUSTED_ORIGINS = [
    origin for origin in os.environ.get("MAPLEBRIDGE_ORIGINS", "").split(",") if origin
]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "maplebridge.organisation",
    "maplebridge.cases",
    "maplebridge.journey",
    "maplebridge.insight",
    "maplebridge.web.parts",
    "maplebridge.web.resident",
    "maplebridge.web.command",
    "maplebridge.web.backoffice",
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
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
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

# Where the city stands: the root of the area tree, and how far automatic steps are trusted.
CITY_CODE = os.environ.get("MAPLEBRIDGE_CITY", "3308")
