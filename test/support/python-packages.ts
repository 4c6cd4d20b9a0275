import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync } from "node:fs";

const writeWheel = `
import json, sys, zipfile
directory, name, version, files, requires = json.loads(sys.argv[1])
about = "%s-%s.dist-info/" % (name, version)
files[about + "METADATA"] = "Metadata-Version: 2.1\\nName: %s\\nVersion: %s\\n" % (name, version) + "".join("Requires-Dist: %s\\n" % other for other in requires)
files[about + "WHEEL"] = "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
record = "".join("%s,,\\n" % path for path in [*files, about + "RECORD"])
with zipfile.ZipFile("%s/%s-%s-py3-none-any.whl" % (directory, name, version), "w") as wheel:
    for path, text in files.items():
        wheel.writestr(path, text)
    wheel.writestr(about + "RECORD", record)
`;

export interface Wheel {
  name: string;
  version: string;
  files: Record<string, string>;
  requires?: string[];
}

/** Writes wheels, which are zip files, into a directory that every user can read: what tools find by `--find-links`. */
export function writeWheels(directory: string, wheels: readonly Wheel[]): string {
  mkdirSync(directory, { recursive: true });
  for (const { name, version, files, requires = [] } of wheels) {
    execFileSync("python3", ["-c", writeWheel, JSON.stringify([directory, name, version, files, requires])]);
  }
  chmodSync(directory, 0o755);
  return directory;
}

const lookAround = (paths: readonly string[]) => `import os, subprocess, sys, zipfile
def seen():
    quiet = subprocess.DEVNULL
    yield str(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True, stdout=quiet, stderr=quiet).pid)
    yield str(os.getuid())
    yield " ".join(os.environ)
    for path in ${JSON.stringify(paths)}:
        try:
            open(path).close()
            yield "read " + path
        except OSError as error:
            yield type(error).__name__
def build_wheel(directory, config_settings=None, metadata_directory=None):
    about = "built-1.0.dist-info/"
    files = {"built.py": "SEEN = %r" % list(seen()), about + "METADATA": "Metadata-Version: 2.1\\nName: built\\nVersion: 1.0\\n",
             about + "WHEEL": "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"}
    files[about + "RECORD"] = "".join("%s,,\\n" % path for path in files)
    with zipfile.ZipFile(os.path.join(directory, "built-1.0-py3-none-any.whl"), "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    return "built-1.0-py3-none-any.whl"
`;

/**
 * A package in the directory `built`, without a wheel: when it is built it leaves a process behind, and keeps in
 * `built.SEEN` its id, the builder's user and variables, and what became of reading each of `paths`.
 */
export function packageThatLooksAround(paths: readonly string[]): Record<string, string> {
  const project = `[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n`;
  return { "built/pyproject.toml": project, "built/backend.py": lookAround(paths) };
}

const writeArchive = `
import io, json, sys, tarfile
directory, files = json.loads(sys.argv[1])
files["built/PKG-INFO"] = "Metadata-Version: 2.1\\nName: built\\nVersion: 1.0\\n"
with tarfile.open(directory + "/built-1.0.tar.gz", "w:gz") as archive:
    for path, text in files.items():
        entry = tarfile.TarInfo(path.replace("built/", "built-1.0/"))
        entry.size = len(text.encode())
        archive.addfile(entry, io.BytesIO(text.encode()))
`;

/** The same package as an index has it: an archive of its source. */
export function writeSourcePackage(directory: string, files: Record<string, string>): void {
  execFileSync("python3", ["-c", writeArchive, JSON.stringify([directory, files])]);
}
