"""The files for running it in containers: what they set exists, what they draw is told, and two nodes run as they say."""

import asyncio
import base64
import json
import re
import subprocess
import time
from contextlib import contextmanager
from dataclasses import fields

import pytest
import requests
import yaml
from gamehall_server.main import build
from gamehall_server.migrate import migrate
from gamehall_server.ops import METRICS
from gamehall_server.settings import PREFIX, Settings
from people import PASSWORD, fresh
from processes import COMMAND, ENVIRONMENT, ROOT
from worlds import ADMIN_PASSWORD, World, settings_for, sqlite_url

from tests.databases import shared_postgres

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
NODES = [name for name, service in COMPOSE["services"].items() if "build" in service]
SETTINGS = {name: str(value) for name, value in COMPOSE["services"]["node1"]["environment"].items()}
IMAGE = dict(re.findall(r"(GAMEHALL_\w+)=(\S+)", DOCKERFILE))
ROOT_KEY = base64.b64encode(bytes(range(32))).decode()
SECRETS = {"POSTGRES_PASSWORD": "the database's own", "GAMEHALL_ADMIN_PASSWORD": ADMIN_PASSWORD, "GAMEHALL_ROOT_KEY": ROOT_KEY}
DASHBOARD = json.loads((ROOT / "deploy/grafana/dashboards/gamehall.json").read_text())


def filled(value):
    """What compose makes of a value."""
    return re.sub(r"\$\{(\w+):\?\}", lambda found: SECRETS[found[1]], value)


@pytest.mark.parametrize("given", [SETTINGS, IMAGE], ids=["compose", "image"])
def test_every_setting_exists_and_is_of_its_kind(given):
    known = {PREFIX + field.name.upper() for field in fields(Settings)}

    assert given.keys() <= known
    assert Settings.read({name: filled(value) for name, value in given.items()}) != Settings()


def test_no_secret_is_written_down():
    for name, value in SETTINGS.items():
        if "PASSWORD" in name or "@" in value:
            assert filled(value) != value


def test_a_node_is_given_the_time_that_its_end_takes():
    settings = Settings.read({name: filled(value) for name, value in {**IMAGE, **SETTINGS}.items()})

    for name in NODES:
        assert int(COMPOSE["services"][name]["stop_grace_period"].removesuffix("s")) > settings.drain_seconds + settings.grace_seconds


def test_there_are_two_nodes_on_one_database_and_their_operators_door_is_shown_to_nobody():
    assert NODES == ["node1", "node2"]
    port = SETTINGS["GAMEHALL_OPS_ADDRESS"].rpartition(":")[2]
    scraped = yaml.safe_load((ROOT / "deploy/prometheus.yml").read_text())["scrape_configs"][0]
    assert scraped["static_configs"][0]["targets"] == [f"{node}:{port}" for node in NODES]
    assert scraped.get("metrics_path", "/metrics") == METRICS.decode()
    for node in NODES:
        assert COMPOSE["services"][node]["environment"] == COMPOSE["services"]["node1"]["environment"]
        assert not [shown for shown in COMPOSE["services"][node]["ports"] if shown.endswith(f":{port}")]


def test_the_image_takes_what_it_needs_from_the_repository():
    taken = {name for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE) for name in line.split()}
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    assert taken == allowed
    assert all((ROOT / name).exists() for name in taken)


def test_everything_that_the_dashboard_draws_is_told(tmp_path):
    told = set()
    for url in (sqlite_url(tmp_path), shared_postgres().fresh()):
        world = World(settings_for(url, "auto", ops_address="127.0.0.1:0"))
        world.person("ann")
        told |= set(re.findall(r"^\w+", requests.get(f"http://127.0.0.1:{world.server.ops_port}/metrics").text, re.MULTILINE))
        world.close()

    drawn = {name for panel in DASHBOARD["panels"] for target in panel["targets"] for name in re.findall(r"(\w+)\{", target["expr"])}
    assert len(drawn) > 10
    assert drawn - told == set()


class Node:
    """A process with the settings of the compose file and the image, on ports of its own."""

    def __init__(self, folder, url):
        self._written = folder / f"{fresh('log')}.jsonl"
        free = {"GAMEHALL_HOST": "127.0.0.1", "GAMEHALL_HTTP_PORT": "0", "GAMEHALL_GRPC_PORT": "0", "GAMEHALL_OPS_ADDRESS": "127.0.0.1:0"}
        given = {**IMAGE, **{name: filled(value) for name, value in SETTINGS.items()}, **free, "GAMEHALL_DATABASE_URL": url}
        with self._written.open("w") as log:
            self.process = subprocess.Popen([*COMMAND, "serve"], cwd=folder, env={**ENVIRONMENT, **given}, stdout=log, stderr=log)

    def serving(self):
        """Waits until it serves."""
        while not (found := [line for line in self.log() if line["message"] == "serving"]):
            assert self.process.poll() is None, self._written.read_text()
            time.sleep(0.02)
        self.url, self.ops = (f"http://127.0.0.1:{found[0][name]}" for name in ("http_port", "ops_port"))
        return self

    def log(self):
        """Every line that it wrote: each is JSON."""
        return [json.loads(line) for line in self._written.read_text().splitlines(keepends=True) if line.endswith("\n")]

    def secrets_told(self):
        return [secret for secret in (PASSWORD, ADMIN_PASSWORD) if secret in self._written.read_text()]


@contextmanager
def nodes(folder, url):
    made = [Node(folder, url) for _ in NODES]
    try:
        yield [node.serving() for node in made]
    finally:
        for node in made:
            if node.process.poll() is None:
                node.process.terminate()
        assert [node.process.wait() for node in made] == [0, 0]
        assert [node.secrets_told() for node in made] == [[], []]


def test_nodes_that_start_at_once_on_a_new_database_settle_it_between_them():
    settings = settings_for(shared_postgres().fresh(), "auto", admin_password="")
    migrate(settings.database_url)

    async def started():
        products = await asyncio.gather(*(build(settings) for _ in range(4)))
        for product in products:
            await product.close()
        return [product.admin_password for product in products]

    # One of them added the administrator, and only its password may be shown.
    assert len([shown for shown in asyncio.run(started()) if shown]) == 1


def test_two_nodes_start_together_share_what_they_know_and_end_one_by_one(tmp_path):
    with nodes(tmp_path, shared_postgres().fresh()) as (first, second):
        form = {"grant_type": "password", "client_id": "web", "username": "admin", "password": ADMIN_PASSWORD}
        body = {"username": fresh("ann"), "email": "ann@example.com", "password": PASSWORD}
        assert requests.post(first.url + "/oauth/token", data=form).status_code == 200
        assert requests.post(first.url + "/users", json=body).status_code == 200
        form.update(username=body["username"], password=PASSWORD)
        token = requests.post(second.url + "/oauth/token", data=form).json()["access_token"]
        who = {"authorization": f"Bearer {token}"}
        assert requests.get(first.url + "/users/me", headers=who).json()["username"] == body["username"]

        first.process.terminate()
        while requests.get(first.ops + "/health/ready").status_code == 200:
            time.sleep(0.02)

        # Balancers see it, and what they send meanwhile is served.
        assert requests.get(first.url + "/health/ready").status_code == 503
        assert requests.get(first.url + "/users/me", headers=who).status_code == 200
        assert first.process.wait() == 0
        assert requests.get(second.url + "/health/ready").status_code == 200
        assert "gamehall_rpc_calls_total" in requests.get(second.ops + "/metrics").text


def test_the_image_is_installed_as_everything_else_is():
    """Our packages are more than one: the Makefile's line is what every other test runs on."""
    makefile = re.search(r"--no-build-isolation (.*-e \.)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    image = re.search(r"--no-build-isolation (.+)$", DOCKERFILE, re.MULTILINE)

    assert [name.removeprefix("./") for name in image[1].split()] == makefile[1].replace("-e ", "").split()
