"""What `make run` tells the person at the terminal."""

from pathlib import Path

from rich.console import Console

from app.dev.seed import Demo

console = Console(highlight=False, soft_wrap=True)


def say(line: str) -> None:
    """Progress, in passing."""
    console.print(line, style="dim", markup=False)


def warn(line: str) -> None:
    """Something the person should see."""
    console.print(line, style="yellow", markup=False)


def announce(demo: Demo, home: Path) -> None:
    """Where everything is, how to log in, and three lines to copy."""
    console.print("\n[green]Ready.[/green] Ctrl-C stops everything; the data stays.\n")
    for name, value in (
        ("API", demo.api_url),
        ("Docs", demo.docs_url),
        ("Sandbox", demo.sandbox_url),
        ("Login", f"{demo.email} / {demo.password}"),
        ("API key", demo.api_key),
        ("Data, logs", str(home)),
    ):
        console.print(f"{name:<12}{value}", markup=False)
    console.print("\nTry:\n")
    for line in curl_lines(demo):
        console.print(f"{line}\n", markup=False)


def curl_lines(demo: Demo) -> tuple[str, str, str]:
    """Three commands that work as they are."""
    bearer = f"-H 'Authorization: Bearer {demo.api_key}'"
    body = "-H 'Content-Type: application/json' -d"
    arrange = (
        '{"selection": {"filter": {"channel": ["shopee"], "stage": ["to_process"]}}, "handover": {"method": "dropoff"}}'
    )
    return (
        f"curl -s '{demo.api_url}/v1/orders?status=ready_to_ship&limit=5' {bearer}",
        f"curl -s {demo.api_url}/v1/orders/counts {bearer}",
        f"curl -s {demo.api_url}/v1/shipments {bearer} -H \"Idempotency-Key: $(date +%s%N)\" {body} '{arrange}'",
    )
