"""Posts what is on stdin to a URL; a process of its own, which the engine ends when it hangs."""

from __future__ import annotations

import os
import sys

import httpx

_TIMEOUT_S = 8.0
_SHOWN = 200


def main() -> int:
    """0 when the receiver said 2xx; what it said else goes to stdout."""
    url = os.environ["PREP_CONSOLE_WEBHOOK"]
    told = sys.stdin.buffer.read()
    try:
        with (
            httpx.Client(trust_env=False, timeout=_TIMEOUT_S) as client,
            client.stream(
                "POST",
                url,
                content=told,
                headers={"Content-Type": "application/json", "User-Agent": "prep-console"},
            ) as answer,  # its body is of no interest, however long it is
        ):
            if answer.is_success:
                return 0
            sys.stdout.write(f"the webhook answers {answer.status_code}")
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        sys.stdout.write(f"{type(error).__name__}: {error}"[:_SHOWN])
    return 1


if __name__ == "__main__":
    sys.exit(main())
