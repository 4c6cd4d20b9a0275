"""EF_ENV=local: answers as the platform would, from two files beside the script. Loaded in that mode only."""
import _thread
import json
import os
import sys

from fx_ef._channel import FxError, encode

_SCOPES = ("service", "project", "platform")
_UNITS = {"minutes": 60, "hours": 3600, "days": 86400}
_FORM = '{"params": {...}, "secrets": {...}, "config": {...}}'


class LocalChannel:
    """Speaks like `Channel`. Tells what a platform would do on stderr, in lines that begin with `[fx]`."""

    def __init__(self):
        self._lock = _thread.allocate_lock()
        self._events = self._jobs = 0
        self._own_ids = {}
        directory = _script_directory()
        self._env_path = os.path.join(directory, "ef_env.json")
        self._state_path = os.path.join(directory, "ef_package_state.json")
        for path, empty in [(self._env_path, {"params": {}, "secrets": {}, "config": {}}), (self._state_path, {})]:
            if not os.path.exists(path):
                _write(path, empty)
                _tell(f"made {path}")
        env = self._read_env()
        params = dict(env["params"])
        name = params.pop("package_name", None) or os.path.basename(directory)
        # Told by params in these files; on the platform they are not among the event's data.
        package_id = params.pop("package_id", None)
        event = {"specversion": "1.0", "id": "local", "source": "/local", "type": "fx.service.run_requested"}
        service = {"project": "local", "name": name, "id": package_id or f"local/{name}"}
        self.welcome = {
            "context": {
                "params": params,
                "config": env["config"],
                "event": {**event, **env.get("event", {}), "data": params},
                "previous": env.get("previous"),
                "service": service,
                "execution": {"id": "local", "attempt": 1, "step": 1, "replay": False, "original": None},
            }
        }

    def request(self, op, **fields):
        # What could not travel to a platform is refused here too.
        words = json.loads(encode(fields))
        with self._lock:
            return getattr(self, f"_{op}")(**words)

    def tell(self, op, level, message):
        _tell(f"{level}: {message}")

    def _emit(self, event):
        for name in ("type", "source", "subject", "id", "correlationId"):
            if name in event:
                _require(name, isinstance(event[name], str), event[name], "a string")
        if (event["type"].lower() + ".").startswith("fx."):
            raise FxError("forbidden", f"'{event['type']}': types that begin with 'fx.' are the platform's own")
        if "id" in event:
            content = [event.get(name) for name in ("type", "subject", "data")]
            if self._own_ids.setdefault((event.get("source"), event["id"]), content) != content:
                raise FxError("conflict", f"the id '{event['id']}' names another event of this run: an id names one event")
        self._events += 1
        _tell(f"would send {event['type']}: {_show(event)}")
        return {"id": event.get("id", f"local-event-{self._events}")}

    def _getState(self):
        return _read(self._state_path, "{}")

    def _putState(self, key, value):
        _require("key", isinstance(key, str), key, "a string")
        _write(self._state_path, {**self._getState(), key: value})

    def _getSecret(self, name):
        _require("name", isinstance(name, str), name, "a string")
        return self._read_env()["secrets"].get(name)

    def _setSecret(self, name, value, scope):
        _require("name", isinstance(name, str), name, "a string")
        _require("value", value is not None, value, "a JSON value other than null")
        _require("scope", scope in _SCOPES, scope, ", ".join(_SCOPES))
        env = self._read_env()
        env["secrets"][name] = value
        _write(self._env_path, env)
        _tell(f"stored the secret {name} in {self._env_path} (would be of scope {scope})")

    def _retryLater(self, cron=None, timezone="UTC", parameters=None, **amounts):
        _require("parameters", parameters is None or isinstance(parameters, dict), parameters, "an object")
        if cron is not None:
            _require("cron", isinstance(cron, str), cron, "a string")
            when = f"at the next time of '{cron}' in {timezone}"
        else:
            _require("minutes", amounts, None, "minutes, hours, days or a cron expression")
            for unit, amount in amounts.items():
                is_number = isinstance(amount, (int, float)) and not isinstance(amount, bool)
                _require(unit, is_number and amount >= 0, amount, "a number from 0")
            seconds = sum(amount * _UNITS[unit] for unit, amount in amounts.items())
            when = f"in {seconds:g} seconds"
        self._jobs += 1
        _tell(f"would run again {when}" + (f" with {_show(parameters)}" if parameters else ""))
        return {"jobId": f"local-job-{self._jobs}"}

    def _setResult(self, value):
        _tell(f"offers the next step: {_show(value)}")

    def _read_env(self):
        env = _read(self._env_path, _FORM)
        for name in ("params", "secrets", "config"):
            env.setdefault(name, {})
        for name, value in env.items():
            if name in ("params", "secrets", "config", "event") and not isinstance(value, dict):
                raise FxError("invalid-input", f"'{name}' in {self._env_path} is not an object; the file holds {_FORM}")
        return env


def _script_directory():
    main = sys.modules.get("__main__")
    path = getattr(main, "__file__", None)
    # Started by a test runner or in a shell there is no script of the person's own.
    if path is None or getattr(main, "__spec__", None) is not None or not path.endswith(".py"):
        return os.getcwd()
    return os.path.dirname(os.path.abspath(path))


def _read(path, form):
    try:
        with open(path, encoding="utf-8", errors="surrogatepass") as file:
            value = json.load(file)
    except ValueError as error:
        raise FxError("invalid-input", f"{path} is not JSON: {error}; it holds {form}") from None
    if not isinstance(value, dict):
        raise FxError("invalid-input", f"{path} is not a JSON object; it holds {form}")
    return value


def _write(path, value):
    # Whole or not at all, for a script that is stopped in the middle.
    fresh = f"{path}.{os.getpid()}"
    with open(fresh, "w", encoding="utf-8", errors="surrogatepass") as file:
        json.dump(value, file, ensure_ascii=False, indent=2)
        file.write("\n")
    os.replace(fresh, path)


def _show(value):
    return json.dumps(value, ensure_ascii=False)


def _tell(text):
    print(f"[fx] {text}", file=sys.stderr, flush=True)


def _require(name, holds, found, expected):
    if not holds:
        raise FxError("invalid-input", f"'{name}' is {_show(found)}; expected: {expected}")
