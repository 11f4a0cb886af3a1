"""Prints the API's OpenAPI document. Opens no store and no socket."""

import json
from types import SimpleNamespace
from typing import cast

from backend.app import create_app
from backend.services import Services
from backend.settings import Settings

# Only the settings are read before the first request.
services = cast(Services, SimpleNamespace(settings=Settings()))
print(json.dumps(create_app(services).openapi()))
