"""Django's settings, from what the operator set in ``env``."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import django_stubs_ext
from django.utils.csp import CSP
from django.utils.translation import gettext_lazy as _

from kaiying.config import events, sqlite
from kaiying.config.env import Env
from kaiying.config.postgres import Servers
from kaiying.wire import brakes, bus, clock, passes
from kaiying.wire.buckets import Rate

ENV = Env()
KAIYING_DATA = ENV.data
KAIYING_DEMO = ENV.demo
KAIYING_URL = ENV.url.rstrip("/")
clock.configure(ENV.clock)
django_stubs_ext.monkeypatch()  # lets ModelAdmin[Lesson] and the like be written at run time
sqlite.use_safe_sqlite()

SECRET_KEY = ENV.signing_key
passes.configure(SECRET_KEY)
brakes.configure(
    brakes.Brakes(
        account=Rate.read(ENV.brake_account),
        network=Rate.read(ENV.brake_network),
        captcha=ENV.captcha,
        proxies=ENV.trusted_proxies,
    )
)
bus.configure(events.carrier(ENV.events, postgres=bool(ENV.database_url)))
KAIYING_WRITER = ENV.writer
METRICS_TOKEN = ENV.metrics_token
DEBUG = ENV.debug
_site = urlsplit(KAIYING_URL)
ALLOWED_HOSTS = [*dict.fromkeys([_site.hostname or "localhost", *ENV.hosts, "127.0.0.1", "localhost"])]
CSRF_TRUSTED_ORIGINS = [KAIYING_URL]
USE_X_FORWARDED_HOST = False
if ENV.trusted_proxies:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

INSTALLED_APPS = [
    # Ours first: our templates and words take the place of those that other apps bring.
    "kaiying.web",
    "kaiying.outbox",
    "kaiying.people",
    "kaiying.notices",
    "kaiying.camps",
    "kaiying.press",
    "kaiying.learning",
    "kaiying.offers",
    "kaiying.groups",
    "kaiying.orders",
    "kaiying.orders.providers.sandbox",
    "kaiying.pages",
    "kaiying.gate",
    "kaiying.rehearsal",
    "kaiying.config.apps.BackOffice",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "django_htmx",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "kaiying.people.middleware.gate_pass",
    "kaiying.pages.middleware.time_travel",
]

ROOT_URLCONF = "kaiying.config.urls"
WSGI_APPLICATION = None
APPEND_SLASH = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],  # before the apps': the back office's looks
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "kaiying.web.context.shell",
                "kaiying.notices.context.unread",
                "kaiying.pages.context.learner_nav",
                "kaiying.pages.context.staff_rail",
            ],
            "builtins": ["kaiying.web.templatetags.web", "django.templatetags.i18n", "django.templatetags.static"],
        },
    }
]


def _database() -> dict[str, Any]:
    if not ENV.database_url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": KAIYING_DATA / "kaiying.sqlite3",
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                # IMMEDIATE: a write that begins with a read must not find the file locked half-way.
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                # FULL: NORMAL loses acknowledged commits in a power cut. No mmap: several processes share the file.
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
                " PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16000; PRAGMA wal_autocheckpoint=8000;",
            },
        }
    servers = Servers.read(ENV.database_url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": servers.name,
        "USER": servers.user,
        "PASSWORD": servers.password,
        "HOST": servers.hosts,
        "PORT": servers.ports,
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": servers.options,
    }


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TASKS = {"default": {"BACKEND": "kaiying.outbox.backends.OutboxBackend"}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "config_cache"}}

PAYMENT_PROVIDERS = {"sandbox": "kaiying.orders.providers.sandbox.client.Sandbox"}

AUTH_USER_MODEL = "people.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 60
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _site.scheme == "https"
SECURE_HSTS_SECONDS = 60 * 60 * 24 * 30 if _site.scheme == "https" else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "kaiying.web.views.csrf_failure"

SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF, CSP.NONCE],
    "img-src": [CSP.SELF, "data:"],
    "media-src": [CSP.SELF, "blob:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "manifest-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
    "base-uri": [CSP.NONE],
}

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = [Path(__file__).parent / "locale"]  # config is no app; the rooms' catalogues are found by themselves
USE_I18N = True
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = KAIYING_DATA / "static"
MEDIA_ROOT = KAIYING_DATA / "media"
MEDIA_URL = "/media/"
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "kaiying.web.finders.KitFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "servestatic.storage.CompressedManifestStaticFilesStorage"},
}


def _mailer() -> dict[str, Any]:
    if not ENV.mail_url:
        return {
            "BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "OPTIONS": {"file_path": str(KAIYING_DATA / "mail")},
        }
    parts = urlsplit(ENV.mail_url)
    return {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {
            "host": parts.hostname,
            "port": parts.port or (465 if parts.scheme == "smtps" else 587),
            "username": unquote(parts.username or ""),
            "password": unquote(parts.password or ""),
            "use_ssl": parts.scheme == "smtps",
            "use_tls": parts.scheme == "smtp" and bool(parts.username),
            "timeout": 10,
        },
    }


MAILERS = {"default": _mailer()}
DEFAULT_FROM_EMAIL = SERVER_EMAIL = ENV.mail_from

ACCOUNT_ADAPTER = "kaiying.people.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_FORMS = {"request_login_code": "kaiying.people.forms.SignInForm"}
ACCOUNT_EMAIL_VERIFICATION = "none"  # the code that signs a person in proves their address
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 10 * 60
ACCOUNT_LOGIN_BY_CODE_MAX_ATTEMPTS = 5
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_LOGIN_BY_CODE_FORMAT = {"numeric": True, "dashed": False, "length": 7}  # 23 bits
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_RATE_LIMITS = {"request_login_code": "20/m/ip,5/5m/key"}
ALLAUTH_TRUSTED_PROXY_COUNT = ENV.trusted_proxies

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO" if DEBUG else "WARNING"},
}

MAX_PICTURE_BYTES = 8 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_PERMISSIONS = 0o644
