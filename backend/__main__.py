"""``python -m backend`` is ``stratmaster``."""

from backend.cli import app

if __name__ == "__main__":
    app()
