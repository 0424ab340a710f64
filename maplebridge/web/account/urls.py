"""Addresses of signing in and of the own account; some names are the sign-in library's own."""

from django.urls import path

from maplebridge.web.account import views

sign_in = views.SignIn.as_view()

urlpatterns = [
    path("sign-in/", sign_in, name="sign-in"),
    path("sign-in/", sign_in, name="account_login"),
    path("sign-in/second/", views.SecondFactor.as_view(), name="mfa_authenticate"),
    path("sign-in/passkey/", views.PasskeySignIn.as_view(), name="mfa_login_webauthn"),
    path("sign-in/closed/", views.closed, name="account_inactive"),
    path("sign-in/cancelled/", views.cancelled, name="socialaccount_login_cancelled"),
    path("sign-in/<slug:provider_id>/", views.to_city, name="openid_connect_login"),
    path("sign-in/<slug:provider_id>/callback/", views.from_city, name="openid_connect_callback"),
    path("sign-out/", views.SignOut.as_view(next_page="/"), name="sign-out"),
    path("account/", views.mine, name="account"),
    path("account/", views.mine, name="mfa_index"),
    path("account/prove/", views.prove, name="prove"),
    path("account/codes/", views.EnrolCodes.as_view(), name="codes"),
    path("account/", views.mine, name="mfa_deactivate_totp"),
    path("account/passkey/", views.AddPasskey.as_view(), name="passkey"),
    path("account/factor/<int:number>/remove/", views.remove_factor, name="remove-factor"),
    path("account/recovery/", views.recovery, name="recovery"),
    path("account/recovery/", views.recovery, name="mfa_view_recovery_codes"),
    path("account/password/", views.password, name="password"),
    path("account/end-session/", views.end_session, name="end-session"),
]
