"""The HTTP endpoint on this machine: `serve`."""

import json
import math
import os
from pathlib import Path

import click

from drumline.commands.options import handle_errors, settings_of


@click.command()
@click.argument("settings", nargs=-1, metavar="[CONFIG] [NAME=VALUE]...")
@click.option("--model", default="", help="A model package: a folder, or the name of one that comes with drumline.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Beyond this machine only with API keys.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@handle_errors
def serve(settings: tuple[str, ...], model: str, host: str, port: int) -> None:
    """Transcribe over HTTP, with a page in the browser, until Ctrl-C.

    Starts a private Ray. CONFIG is a YAML file; NAME=VALUE sets one key of it (docs/configuration.md). Recordings and
    results are kept for an hour, edited ones for a month after the last edit, in jobs.store: by default
    ~/.local/share/drumline/serve (XDG_DATA_HOME), from which the command removes what nobody edited when it ends.

    \b
    drumline serve
    drumline serve --model out/models/drumline-small-0.1 limits.max_upload_mb=20 workers.max_replicas=4
    drumline serve --host 0.0.0.0 keys_file=keys.txt            # python -m serve.keys NAME makes one
    """
    from drumline.runtime.serving import module_of_checkout, run

    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    store = str(data / "drumline" / "serve")
    own = [f"jobs.store={json.dumps(store)}", f"host={json.dumps(host)}"]
    if model:
        own.append(f"model={json.dumps(str(Path(model).absolute()) if os.path.exists(model) else model)}")
    path = settings[: bool(settings) and "=" not in settings[0]]
    endpoint = settings_of(module_of_checkout("serve.settings").Settings, (*path, *own, *settings[len(path) :]))
    workers, gateway = endpoint.workers, endpoint.gateway
    wanted = workers.num_cpus * workers.max_replicas + gateway.num_cpus * gateway.max_replicas
    try:
        run(
            "serve.app:application",
            endpoint.model_dump(mode="json"),
            host=host,
            port=port,
            proxy_callback="serve.proxy.middlewares",
            num_cpus=max(os.cpu_count() or 1, math.ceil(wanted)),
            on_ready=lambda url: click.echo(f"{url}  (Ctrl-C stops it; API reference: {url}/docs)", err=True),
        )
    finally:
        if endpoint.jobs.store == store:
            module_of_checkout("serve.edits").remove_unedited(store)
