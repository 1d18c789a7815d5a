"""``docs/ci``: each workflow is in order, and every ``run`` of it does what it says, on a repository of tokens.

What would leave the machine is stood in for: pip and gh write down what they were asked, and git pushes to a bare
repository beside. The rest is real: bash as GitHub starts it, git, and permopt.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ACME = ROOT / "corpus" / "acme" / "ACME"
PERMOPT = Path(sys.executable).with_name("permopt")
WORKFLOWS = {path.name: path.read_text() for path in sorted((ROOT / "docs" / "ci").glob("*.yml"))}
EXPRESSION = re.compile(r"\$\{\{ *(.*?) *\}\}")
OURS = "github.event.pull_request.head.repo.full_name == github.repository"


def steps_of(name: str) -> list[dict]:
    (job,) = yaml.safe_load(WORKFLOWS[name])["jobs"].values()
    return job["steps"]


class Runner:
    """A machine that runs the steps of a workflow in a repository."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.checkout = directory / "checkout"
        self.said = directory / "said.txt"
        self.stubs = directory / "bin"
        for made in (self.checkout, self.stubs, directory / "temp"):
            made.mkdir()
        (self.stubs / "permopt").symlink_to(PERMOPT)
        self.stub("python", 'echo "python $*" >>"$SAID"')
        self.stub("gh", 'echo "gh $*" >>"$SAID"; case "$*" in *"--body-file -"*) cat >"$SAID.body" ;; esac')
        others = [each.name for each in (ACME / "accounts").iterdir() if each.name not in ("ORDERS", "LOYALTY")]
        shutil.copytree(ACME, self.checkout / "stores", ignore=lambda _, names: set(names) & set(others))
        self.git("init", "--quiet", "--initial-branch", "main")
        self.git("init", "--quiet", "--bare", str(directory / "origin"))
        self.git("remote", "add", "origin", str(directory / "origin"))
        self.commit()

    def stub(self, name: str, script: str) -> None:
        path = self.stubs / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def git(self, *words: str) -> str:
        who = ("-c", "user.name=t", "-c", "user.email=t@example.com")
        done = subprocess.run(["git", *who, *words], cwd=self.checkout, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "as it is")

    def run(self, name: str, **known: str) -> dict[str, subprocess.CompletedProcess[str]]:
        """Every ``run`` in order, as GitHub runs them: none after one that failed."""
        (job,) = yaml.safe_load(WORKFLOWS[name])["jobs"].values()
        known = {"github.token": "none", **known}
        environment = self.environment(job["env"], known)
        outputs: dict[str, str] = {}
        done: dict[str, subprocess.CompletedProcess[str]] = {}
        for step in job["steps"]:
            if "run" not in step or not self.applies(step.get("if"), environment, outputs):
                continue
            output = self.directory / "output.txt"
            output.write_text("")
            env = {**environment, **self.environment(step.get("env", {}), known), "GITHUB_OUTPUT": str(output)}
            script = self.directory / "step.sh"
            script.write_text(step["run"])
            done[step["name"]] = ran = subprocess.run(
                ["bash", "-e", str(script)], cwd=self.checkout, env=env, capture_output=True, text=True, check=False
            )
            for line in output.read_text().splitlines():
                key, _, value = line.partition("=")
                outputs[f"steps.{step['id']}.outputs.{key}"] = value
            if ran.returncode:
                break
        return done

    def environment(self, given: dict, known: dict[str, str]) -> dict[str, str]:
        own = {
            "PATH": f"{self.stubs}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.directory),
            "SAID": str(self.said),
            "GITHUB_STEP_SUMMARY": str(self.directory / "summary.md"),
            "GITHUB_REPOSITORY": "acme/tokens",
            "RUNNER_TEMP": str(self.directory / "temp"),
        }
        return own | {key: EXPRESSION.sub(lambda found: known[found[1]], str(text)) for key, text in given.items()}

    @staticmethod
    def applies(condition: str | None, environment: dict[str, str], outputs: dict[str, str]) -> bool:
        if condition is None:
            return True
        name, value = re.fullmatch(r"([\w.]+) == '(\w+)'", condition).groups()
        known = {f"env.{key}": text for key, text in environment.items()} | outputs
        return known.get(name, "") == value


@pytest.fixture
def runner(tmp_path):
    return Runner(tmp_path)


@pytest.mark.actionlint
@pytest.mark.parametrize("name", WORKFLOWS)
def test_actionlint_finds_nothing(name):
    tool = ROOT / ".build" / "bin" / "actionlint"
    assert tool.exists(), "tools/build.sh builds it"
    done = subprocess.run([tool, "-no-color", name], cwd=ROOT / "docs/ci", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.actionlint
def test_actionlint_would_find_a_mistake(tmp_path):
    (tmp_path / "broken.yml").write_text(WORKFLOWS["audit.yml"].replace("github.token", "github.tokken"))
    done = subprocess.run([ROOT / ".build/bin/actionlint", tmp_path / "broken.yml"], capture_output=True, check=False)
    assert b"tokken" in done.stdout


@pytest.mark.parametrize("name", WORKFLOWS)
def test_actions_are_pinned_to_commits_and_the_remark_names_the_release(name):
    used = re.findall(r"uses: (.*)", WORKFLOWS[name])
    assert len(used) == sum("uses" in step for step in steps_of(name)) >= 2
    for each in used:
        assert re.fullmatch(r"[\w.-]+(/[\w.-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each), each


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_secret_is_asked_for_and_no_expression_is_put_into_a_shell(name):
    assert "secrets." not in WORKFLOWS[name]
    assert yaml.safe_load(WORKFLOWS[name])["permissions"] == {}
    for step in steps_of(name):
        assert "${{" not in step.get("run", "")


LATE = Path("stores", "accounts", "ORDERS", "users", "contractor-mara.jwt")
"""A user whose token has expired, which is an error."""


def baseline(runner: Runner) -> None:
    """Accept everything but one error, which is not there yet."""
    (runner.checkout / LATE).replace(runner.directory / LATE.name)
    words = [PERMOPT, "audit", "stores", "--write-baseline", "permopt-baseline.json", "--quiet"]
    subprocess.run(words, cwd=runner.checkout, capture_output=True, check=True)
    runner.commit()


def spoiled(runner: Runner) -> None:
    """The error comes."""
    shutil.copy(runner.directory / LATE.name, runner.checkout / LATE)


def test_a_pull_request_is_commented_and_passes_where_nothing_is_new(runner):
    baseline(runner)
    done = runner.run("audit.yml", **{OURS: "true", "github.event.pull_request.number": "7"})
    assert {name: each.returncode for name, each in done.items()} == dict.fromkeys(
        ("install", "summary", "findings for code scanning", "comment", "verdict"), 0
    ), [each.stderr for each in done.values()]
    page = (runner.checkout / "audit.md").read_text()
    assert (runner.directory / "summary.md").read_text() == page
    assert (runner.directory / "said.txt.body").read_bytes() == page.encode()[:60_000]
    assert json.loads((runner.checkout / "audit.sarif").read_text())["version"] == "2.1.0"
    pip, comment = runner.said.read_text().splitlines()
    assert pip == "python -m pip install git+https://git.example.com/permopt@COMMIT"
    assert comment.startswith("gh pr comment 7 --repo acme/tokens --edit-last --create-if-none")


def test_code_scanning_sees_nothing_that_is_excluded(runner):
    (runner.checkout / "permopt.toml").write_text('[[exclude]]\nrule = "bloated"\nreason = "split in March"\n')
    baseline(runner)
    runner.run("audit.yml", **{OURS: "true", "github.event.pull_request.number": "7"})
    every, sent = (
        [each["ruleId"] for each in json.loads((runner.checkout / name).read_text())["runs"][0]["results"]]
        for name in ("all.sarif", "audit.sarif")
    )
    assert "bloated" in every
    assert sent == [rule for rule in every if rule != "bloated"] != []


def test_the_run_of_a_fork_writes_nothing(runner):
    baseline(runner)
    done = runner.run("audit.yml", **{OURS: "false", "github.event.pull_request.number": "7"})
    assert "comment" not in done
    assert "gh " not in runner.said.read_text()


def test_the_verdict_of_a_pull_request_is_that_of_what_is_new(runner):
    baseline(runner)
    (verdict,) = [step["run"] for step in steps_of("audit.yml") if step.get("name") == "verdict"]
    env = runner.environment({"STORE": "stores", "BASELINE": "permopt-baseline.json"}, {})

    def status() -> int:
        return subprocess.run(
            ["bash", "-ec", verdict], cwd=runner.checkout, env=env, capture_output=True, check=False
        ).returncode

    assert status() == 0
    spoiled(runner)
    assert status() == 1


def test_every_month_the_plan_and_its_scripts_become_a_pull_request(runner):
    done = runner.run("monthly.yml")
    assert {name: each.returncode for name, each in done.items()} == dict.fromkeys(
        ("install", "plan", "scripts", "pull request"), 0
    ), [each.stderr for each in done.values()]
    branch = runner.git("branch", "--show-current")
    assert re.fullmatch(r"permopt/\d{4}-\d{2}", branch)
    pushed = runner.git("ls-tree", "-r", "--name-only", f"origin/{branch}").splitlines()
    assert [each for each in pushed if not each.startswith("stores/")] == [
        f"permopt/{name}" for name in ("apply.sh", "expected.json", "plan.json", "rollback.sh", "verify.sh")
    ]
    assert runner.git("show", f"origin/{branch}:permopt/apply.sh").startswith("#!/bin/sh")
    said = runner.said.read_text().splitlines()
    assert [line.split(" --")[0] for line in said] == [
        "python -m pip install git+https://git.example.com/permopt@COMMIT",
        "gh pr create",
    ]
    body = (runner.directory / "temp" / "body.md").read_bytes()
    assert body == (runner.directory / "temp" / "page.md").read_bytes()[:60_000]
    assert len(body) > 1000


def test_a_second_run_in_a_month_brings_the_pull_request_up_to_date(runner):
    runner.stub("gh", 'echo "gh $*" >>"$SAID"; case "$*" in "pr create"*) exit 1 ;; esac')
    done = runner.run("monthly.yml")
    assert done["pull request"].returncode == 0
    assert [line[:11] for line in runner.said.read_text().splitlines()[1:]] == ["gh pr creat", "gh pr edit "]


def test_scripts_that_are_those_of_last_month_make_no_pull_request(runner):
    runner.run("monthly.yml")
    runner.said.unlink()
    runner.git("switch", "--quiet", "main")
    runner.git("merge", "--quiet", "-")
    done = runner.run("monthly.yml")
    assert "those of last month" in done["scripts"].stdout
    assert "pull request" not in done
    assert "gh " not in runner.said.read_text()


def test_a_store_without_a_safe_proposal_makes_no_pull_request(runner):
    for account in (runner.checkout / "stores" / "accounts").iterdir():
        if account.name != "LOYALTY":
            shutil.rmtree(account)
    for user in (runner.checkout / "stores" / "accounts").rglob("users/*.jwt"):
        user.unlink()
    done = runner.run("monthly.yml")
    assert done["plan"].returncode == 0, done["plan"].stderr
    assert "no proposal is safe" in done["scripts"].stdout
    assert "pull request" not in done


def hook() -> dict:
    (only,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    return only


def hooked(runner: Runner, *more: str) -> subprocess.CompletedProcess[str]:
    """What pre-commit runs from its environment, in the repository's root, without file names."""
    words = [*hook()["entry"].split(), *(more or hook()["args"])]
    env = {**runner.environment({}, {}), "PATH": f"{PERMOPT.parent}:{os.environ['PATH']}"}
    return subprocess.run(words, cwd=runner.checkout, env=env, capture_output=True, text=True, check=False)


def test_the_hook_is_installed_and_run_as_pre_commit_wants_it():
    assert {key: hook()[key] for key in ("id", "language", "pass_filenames")} == {
        "id": "permopt-audit",
        "language": "python",
        "pass_filenames": False,
    }
    assert hook()["entry"].split()[0] in (ROOT / "pyproject.toml").read_text().split("[project.scripts]")[1]


@pytest.mark.parametrize(
    ("file", "wakes"),
    [
        ("stores/ACME/accounts/A/A.jwt", True),
        ("permopt.toml", True),
        ("infra/permopt.toml", True),
        ("a.jwt.md", False),
        ("notpermopt.toml", False),
        ("README.md", False),
    ],
)
def test_the_hook_runs_where_a_token_or_the_configuration_changes(file, wakes):
    assert bool(re.search(hook()["files"], file)) is wakes


def test_the_hook_fails_on_errors_and_passes_with_a_baseline(runner):
    done = hooked(runner)
    assert (done.returncode, done.stderr) == (1, "")
    assert "operator ACME" in done.stdout
    baseline(runner)
    assert hooked(runner, ".", "--baseline", "permopt-baseline.json").returncode == 0
    spoiled(runner)
    assert hooked(runner, ".", "--baseline", "permopt-baseline.json").returncode == 1


def test_the_hook_takes_the_configuration_of_the_repository(runner):
    (runner.checkout / "permopt.toml").write_text('source = "stores"\nfail_on = "never"\n')
    assert hooked(runner).returncode == 0
    assert hooked(runner, "--fail-on", "error").returncode == 1
