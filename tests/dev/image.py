"""The Dockerfile without Docker: its steps as data, and (`make image-check`) carried out in a plain folder."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Step:
    """One instruction."""

    word: str
    value: str

    @property
    def arguments(self) -> list[str]:
        """The exec form, or the words of a COPY without its flags."""
        text = self.value[self.value.index("[") :] if "[" in self.value else ""
        if text:
            words: list[str] = json.loads(text)
            return words
        return [word for word in shlex.split(self.value) if not word.startswith("--")]


def read_steps() -> list[Step]:
    """Every instruction, in order."""
    lines = (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    spoken = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return [Step(*line.split(maxsplit=1)) for line in spoken]


def find_one(steps: list[Step], word: str) -> Step:
    """The only (or last) instruction of its kind."""
    return [step for step in steps if step.word == word][-1]


def variables(steps: list[Step]) -> dict[str, str]:
    """What ENV sets."""
    return dict(pair.split("=", 1) for step in steps if step.word == "ENV" for pair in shlex.split(step.value))


def main() -> None:
    """Build the image's file tree below a temporary folder and ask its commands for help."""
    steps = read_steps()
    with tempfile.TemporaryDirectory() as name:
        tree = Path(name)
        for step in steps:
            if step.word == "COPY" and "--from" not in step.value:
                source, target = step.arguments
                _copy(ROOT / source, tree / target.lstrip("/"))
            elif step.word == "RUN":
                command = [_placed(word, tree) for word in step.arguments]
                subprocess.run([sys.executable if command[0] == "python" else command[0], *command[1:]], check=True)
        python = tree / "opt/plugosync/bin/python"
        environment = {**os.environ, "PYTHONPATH": _placed(variables(steps)["PYTHONPATH"], tree)}
        entry = find_one(steps, "ENTRYPOINT").arguments
        for command_name in ("api", "worker", "migrate"):
            subprocess.run(
                [python, *entry[1:], command_name, "--help"],
                cwd=_placed(find_one(steps, "WORKDIR").value, tree),
                env=environment,
                check=True,
                stdout=subprocess.DEVNULL,
            )
    sys.stdout.write("The image's steps work.\n")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def _placed(word: str, tree: Path) -> str:
    return str(tree / word.lstrip("/")) if word.startswith("/") else word


if __name__ == "__main__":
    main()
