"""What a script sees of its run."""

_MISSING = object()

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}


class Named:
    """Something with a `name` and an `id`."""

    def __init__(self, name, id):
        self.name = name
        self.id = id

    def __repr__(self):
        return f"{self.name} ({self.id})"


class Execution:
    """This run: `id`, `attempt` and `step` (both from 1)."""

    def __init__(self, id, attempt, step):
        self.id = id
        self.attempt = attempt
        self.step = step


class Events:
    def __init__(self, channel):
        self._channel = channel

    def send(
        self, event_type, *args, data=_MISSING, source=None, event_source=None, subject=None, id=None, correlation_id=None
    ):
        """Emits a CloudEvent: `send(type, data)` or `send(type, source, data=...)`. Returns its id once it is durable.

        data: anything that JSON can hold, at most 4 MiB of it. Raises FxError when the event is refused:
        for a type that begins with `fx.`, for instance.
        """
        if len(args) > 2:
            raise TypeError(f"send takes a type, a source and data; {len(args) + 1} values were given")
        if len(args) == 2:
            source, data = args
        elif len(args) == 1 and data is _MISSING:
            data = args[0]
        elif len(args) == 1:
            source = args[0]
        event = {"type": event_type, "source": source or event_source, "subject": subject, "id": id}
        event["correlationId"] = correlation_id
        event = {name: value for name, value in event.items() if value is not None}
        if data is not _MISSING:
            event["data"] = data
        return self._channel.request("emit", event=event)["id"]


class State:
    """Values that outlive the run; one set for each service."""

    def __init__(self, channel):
        self._channel = channel

    def get(self, key=None, default=None):
        """All values as a dict, or the one of `key`."""
        values = self._channel.request("getState")
        return values if key is None else values.get(key, default)

    def put(self, key, value):
        """Stores one JSON value. Returns once it is durable."""
        self._channel.request("putState", key=key, value=value)


class Logging:
    """Structured log lines of this run; `%` arguments as in the standard library."""

    def __init__(self, channel):
        self._channel = channel
        self._level = 0

    def setLevel(self, level):
        """Drops lines below `level`: a name in either case, or a number of the standard library."""
        if isinstance(level, str):
            name = {"warn": "warning", "fatal": "critical"}.get(level.lower(), level.lower())
            if name not in _LEVELS:
                raise ValueError(f"no log level is named {level!r}; there are {', '.join(_LEVELS)}")
            level = _LEVELS[name]
        self._level = level

    set_level = setLevel

    def debug(self, message, *args):
        self._log("debug", message, args)

    def info(self, message, *args):
        self._log("info", message, args)

    def warning(self, message, *args):
        self._log("warning", message, args)

    def error(self, message, *args):
        self._log("error", message, args)

    def critical(self, message, *args):
        self._log("critical", message, args)

    def exception(self, message, *args):
        """An error, with the exception that is being handled."""
        # Loaded when needed: it would cost every start 3 ms.
        import traceback

        text = str(message) % args if args else str(message)
        self._log("error", f"{text}\n{traceback.format_exc()}".rstrip(), ())

    def _log(self, level, message, args):
        if _LEVELS[level] >= self._level:
            text = str(message) % args if args else str(message)
            self._channel.tell("log", level=level, message=text)


class Context:
    """`params` and `config` are dicts; `event` is the whole CloudEvent that started the run, as a dict."""

    def __init__(self, channel):
        given = channel.welcome["context"]
        service, execution = given["service"], given["execution"]
        self.params = given["params"]
        self.config = given["config"]
        self.event = given["event"]
        self.service = self.package = Named(service["name"], f"{service['project']}/{service['name']}")
        self.execution = Execution(execution["id"], execution["attempt"], execution["step"])
        self.events = Events(channel)
        self.state = State(channel)
        self.logging = Logging(channel)
