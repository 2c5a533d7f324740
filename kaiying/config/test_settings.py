"""Settings for tests: memory instead of disk where the disk is not what is tested."""

import os
import tempfile

os.environ.setdefault("KAIYING_DATA", tempfile.mkdtemp(prefix="kaiying-test-"))
os.environ.setdefault("KAIYING_SECRET_KEY", "only-for-tests-and-never-for-a-real-install")

from kaiying.config.settings import *  # noqa: F403 — the environment must be set first
from kaiying.wire import bus

bus.configure(None)  # a connection that rings would keep the test database from going; tests of it make their own

KAIYING_DATA.mkdir(parents=True, exist_ok=True)  # noqa: F405

MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# A file, not memory: threads that share SQLite in memory do not wait for each other, they fail.
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    DATABASES["default"]["TEST"] = {"NAME": KAIYING_DATA / "test.sqlite3"}  # noqa: F405
