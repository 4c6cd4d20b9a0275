"""What a shell script sees of its run."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fx_channel  # noqa: E402

HELP = """fx-context: what a shell script sees of its run

  fx-context param [NAME [DEFAULT]]     a parameter; without NAME all, as JSON
  fx-context config [NAME [DEFAULT]]    a value of the service's configuration
  fx-context event [ATTRIBUTE]          the event that started the run, as JSON, or one attribute
  fx-context previous                   what an earlier step offered, as JSON
  fx-context secret NAME                a secret's value
  fx-context secret set NAME - [--scope service|project|platform]
                                        stores the text on stdin as a secret
  fx-context state get [KEY]            the service's state as JSON, or one value
  fx-context state put KEY VALUE        stores text
  fx-context state put KEY --json JSON  stores a JSON value; - reads it from stdin
  fx-context send TYPE [DATA|-] [--source S] [--subject S] [--correlation-id ID] [--id ID]
                                        emits an event with DATA (JSON, - is stdin); prints its id
  fx-context log LEVEL MESSAGE...       LEVEL: debug info warning error critical
  fx-context retry --minutes N | --hours N | --days N | --cron EXPRESSION [--timezone ZONE]
                   [--parameters JSON|-]
                                        runs the service again later, with its parameters and JSON's
                                        over them; prints the job's id
  fx-context result JSON|-              what the next steps see as previous

Text is printed as it is, everything else as JSON. Exit codes: 0 done, 1 there is no such value,
2 wrong use, 3 the platform refused, 4 the platform cannot be reached.
"""

OPTIONS = {"--source": "source", "--subject": "subject", "--correlation-id": "correlationId", "--id": "id"}
AMOUNTS = {"--minutes": "minutes", "--hours": "hours", "--days": "days"}
LEVELS = ("debug", "info", "warning", "error", "critical")


class Usage(Exception):
    pass


class Missing(Exception):
    pass


def main(words):
    if not words or words[0] in ("--help", "-h", "help"):
        sys.stdout.write(HELP)
        return 0 if words else 2
    command = COMMANDS.get(words[0])
    if command is None:
        raise Usage(f"there is no command '{words[0]}'; there are {', '.join(COMMANDS)}")
    if words[1:2] in (["--help"], ["-h"]):
        sys.stdout.write(HELP)
        return 0
    command(words[1:])
    return 0


def context():
    with open(os.path.join(os.environ["FX_SCRATCH"], fx_channel.CONTEXT), encoding="utf-8", errors="surrogatepass") as file:
        return json.load(file)


def show(value):
    text = value if isinstance(value, str) else fx_channel.dumps(value)
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape") + b"\n")


def named(values, kind, words):
    if len(words) > 2:
        raise Usage(f"fx-context {kind} takes a name and a default")
    if not words:
        show(values)
    elif words[0] in values:
        show(values[words[0]])
    elif len(words) == 2:
        show(words[1])
    else:
        raise Missing(f"there is no {kind} '{words[0]}'")


def param(words):
    named(context()["params"], "param", words)


def config(words):
    named(context()["config"], "config", words)


def event(words):
    named(context()["event"], "event", words[:1])


def previous(words):
    show(context()["previous"])


def secret(words):
    if words[:1] == ["set"] and len(words) > 1:
        words, options = parse(words[1:], {"--scope": "scope"})
        if len(words) != 2 or words[1] != "-":
            raise Usage("fx-context secret set NAME -, with the value on stdin: arguments can be seen by others")
        value = sys.stdin.buffer.read().decode("utf-8")
        value = value[:-1] if value.endswith("\n") else value
        fx_channel.request("setSecret", name=words[0], value=value, scope=options.get("scope", "service"))
        return
    if len(words) != 1:
        raise Usage("fx-context secret NAME")
    value = fx_channel.request("getSecret", name=words[0])
    if value is None:
        raise Missing(f"there is no secret '{words[0]}' for this service, its project or the platform")
    show(value)


def state(words):
    if words[:1] == ["get"] and len(words) <= 3:
        named(fx_channel.request("getState"), "state", words[1:])
    elif words[:1] == ["put"] and len(words) == 4 and words[2] == "--json":
        fx_channel.request("putState", key=words[1], value=parsed(words[3]))
    elif words[:1] == ["put"] and len(words) == 3 and words[2] != "--json":
        fx_channel.request("putState", key=words[1], value=words[2])
    else:
        raise Usage("fx-context state get [KEY], state put KEY VALUE or state put KEY --json JSON")


def send(words):
    words, options = parse(words, OPTIONS)
    if not 1 <= len(words) <= 2:
        raise Usage("fx-context send TYPE [DATA|-], DATA is JSON")
    fields = {"type": words[0], **options}
    if len(words) == 2:
        fields["data"] = parsed(words[1])
    show(fx_channel.request("emit", event=fields)["id"])


def log(words):
    if len(words) < 2 or words[0] not in LEVELS:
        raise Usage(f"fx-context log LEVEL MESSAGE, with one of the levels {', '.join(LEVELS)}")
    fx_channel.request("log", answered=False, level=words[0], message=" ".join(words[1:]))


def retry(words):
    words, options = parse(words, {**AMOUNTS, "--cron": "cron", "--timezone": "timezone", "--parameters": "parameters"})
    if words or not options:
        raise Usage("fx-context retry --minutes N, --hours N, --days N or --cron EXPRESSION")
    if "parameters" in options:
        options["parameters"] = parsed(options["parameters"])
    for name in AMOUNTS.values():
        if name in options:
            try:
                options[name] = float(options[name])
            except ValueError:
                raise Usage(f"--{name} takes a number, not '{options[name]}'") from None
    show(fx_channel.request("retryLater", **options)["jobId"])


def result(words):
    if len(words) != 1:
        raise Usage("fx-context result JSON, or - for stdin")
    fx_channel.request("setResult", value=parsed(words[0]))


def parsed(text):
    if text == "-":
        text = sys.stdin.buffer.read().decode("utf-8")
    try:
        return json.loads(text)
    except ValueError as error:
        raise Usage(f"this is no JSON ({error}): {text[:60]}") from None


def parse(words, known):
    rest, options = [], {}
    words = list(words)
    while words:
        word = words.pop(0)
        name, _, value = word.partition("=")
        if not word.startswith("--"):
            rest.append(word)
        elif name not in known:
            raise Usage(f"there is no option '{name}'; there are {', '.join(known)}")
        elif "=" in word:
            options[known[name]] = value
        elif words:
            options[known[name]] = words.pop(0)
        else:
            raise Usage(f"{name} needs a value")
    return rest, options


COMMANDS = {
    command.__name__: command for command in (param, config, event, previous, secret, state, send, log, retry, result)
}

try:
    code = main(sys.argv[1:])
    sys.stdout.flush()
except Usage as error:
    code, text = 2, f"{error} (fx-context --help)"
except Missing as error:
    code, text = 1, str(error)
except fx_channel.Refused as error:
    code, text = 4 if error.code == "unavailable" else 3, f"{error.code}: {error}"
except BrokenPipeError:
    os._exit(1)
if code and sys.argv[1:]:
    sys.stderr.buffer.write(f"fx-context: {text}\n".encode("utf-8", "surrogateescape"))
    sys.stderr.flush()
# Nothing is left to tidy up, and an interpreter's end takes as long as its start.
os._exit(code)
