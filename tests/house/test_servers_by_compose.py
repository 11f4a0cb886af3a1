"""docker-compose.yml, its settings and the product name the same things."""

import re
import subprocess
from pathlib import Path

import yaml

from backend.settings import PREFIX, Settings, Url

ROOT = Path(__file__).parents[2]


def loaded() -> dict[str, str]:
    """deploy/servers.env as a shell reads it."""
    program = "set -a; . deploy/servers.env; env"
    told = subprocess.run(
        ["bash", "-c", program], cwd=ROOT, env={}, capture_output=True, text=True, check=True
    ).stdout
    pairs = (line.partition("=") for line in told.splitlines())
    return {name: value for name, _, value in pairs if name.startswith(PREFIX)}


def test_each_address_is_a_setting_and_leads_to_a_server_of_the_compose_file() -> None:
    """A port that moved, or a setting that was renamed, is noticed here."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    published = {
        int(port.split(":")[1])
        for service in compose["services"].values()
        for port in service["ports"]
    }
    reached = set()
    for name, value in loaded().items():
        assert name.removeprefix(PREFIX).lower() in Settings.model_fields, name
        url = Url(value)
        endpoint = url.query.get("endpoint", f"{url.host}:{url.port}")
        reached.add(int(endpoint.rpartition(":")[2]))
    assert reached == published


def test_servers_listen_on_this_machine_only_and_say_when_they_are_well() -> None:
    """Nothing is open to a network, and every image is pinned."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    for name, service in compose["services"].items():
        assert all(port.startswith("127.0.0.1:") for port in service["ports"]), name
        assert service["healthcheck"]["test"], name
        assert re.search(r":[^:]*\d[^:]*$", service["image"]), service["image"]
