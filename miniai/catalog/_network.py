"""Is a server there? Asked in a thread that may be left behind, so that the answer always comes in time."""

from __future__ import annotations

import queue
import threading
import urllib.error
import urllib.request
from contextlib import closing

__all__ = ["refusal"]


def refusal(url: str, seconds: float = 1.5) -> str | None:
    """Why `url` cannot be used, in a few words, within `seconds`; None if a server answered.

    Goes through the proxies of HTTPS_PROXY, HTTP_PROXY and NO_PROXY. A connection's own time-out is not enough:
    it does not cover a name server that is silent. So a daemon thread asks, and is abandoned if it takes longer.
    """
    if not url.startswith(("https://", "http://")):
        return f"{url} is not a web address"
    answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    asker = threading.Thread(target=lambda: answers.put(_ask(url, seconds)), name="miniai-network", daemon=True)
    asker.start()
    try:
        return answers.get(timeout=seconds)
    except queue.Empty:
        return f"no answer within {seconds:g} s"


def _ask(url: str, seconds: float) -> str | None:
    request = urllib.request.Request(url, headers={"User-Agent": "miniai-tui"})
    opener = urllib.request.build_opener()  # a new one: the shared one keeps the proxies of its first use
    try:
        with closing(opener.open(request, timeout=seconds)):
            return None
    except urllib.error.HTTPError as error:
        error.close()
        return f"it answered {error.code} {error.reason}"
    except urllib.error.URLError as error:
        return str(getattr(error.reason, "strerror", None) or error.reason)
    except Exception as error:  # noqa: BLE001 - the thread's edge: http.client and ssl raise many kinds
        return str(error) or type(error).__name__
