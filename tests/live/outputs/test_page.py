"""The page for a browser."""

from __future__ import annotations

import http.client
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.browsers import BROWSER, REASON
from tests.live.fakes import SIZE, code_of, coded
from videostyle.live.frame import LiveFrame
from videostyle.live.outputs import page as page_module
from videostyle.live.outputs.page import Page


@pytest.fixture
def page() -> object:
    output = Page(0)
    output.open(*SIZE, 30.0)
    output.write(LiveFrame(coded(5), 0.0, 0))
    yield output
    output.close()


def decoded_jpeg(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


def ask(page: Page, path: str, host: str | None = None, origin: str | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=5)
    connection.putrequest("GET", path, skip_host=True)
    connection.putheader("Host", host or f"127.0.0.1:{page.port}")
    if origin is not None:
        connection.putheader("Origin", origin)
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_h1_the_page_answers_only_requests_with_its_token_and_host(page: Page) -> None:
    status, body = ask(page, f"/{page.token}/")
    assert status == 200
    assert b"<img" in body
    status, body = ask(page, f"/{page.token}/frame.jpg")
    assert status == 200
    assert code_of(decoded_jpeg(body)) == 5
    assert ask(page, "/")[0] == 403
    assert ask(page, "/wrong-token/frame.jpg")[0] == 403
    assert ask(page, f"/{page.token}/", host="evil.example")[0] == 403
    assert ask(page, f"/{page.token}/", origin="http://evil.example")[0] == 403
    assert ask(page, f"/{page.token}/", origin=f"http://127.0.0.1:{page.port}")[0] == 200
    assert ask(page, f"/{page.token}/../../etc/passwd")[0] == 404
    assert page._server.server_address[0] == "127.0.0.1"


def test_the_page_sends_frames_as_they_come(page: Page) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=5)
    connection.request("GET", f"/{page.token}/frames")
    answer = connection.getresponse()
    assert "multipart/x-mixed-replace" in answer.headers["Content-Type"]
    for number in (5, 6, 7):
        if number > 5:
            page.write(LiveFrame(coded(number), 0.0, number))
        size = 0
        while line := answer.readline().strip():
            if line.startswith(b"Content-Length:"):
                size = int(line.split(b":")[1])
        assert code_of(decoded_jpeg(answer.read(size))) == number
        answer.readline()
    connection.close()


@pytest.mark.skipif(BROWSER is None, reason=REASON)
def test_the_page_shows_the_picture_in_a_browser(page: Page, tmp_path: Path) -> None:
    shot = tmp_path / "shot.png"
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
    words = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", *quiet]
    words += [f"--user-data-dir={tmp_path / 'profile'}", f"--screenshot={shot}", "--window-size=480,320"]
    done = threading.Event()

    def play() -> None:
        number = 0
        while not done.wait(0.05):
            page.write(LiveFrame(coded(number % 7 + 1), 0.0, number))
            number += 1

    player = threading.Thread(target=play)
    player.start()
    try:
        # This page never finishes loading; --timeout takes the screenshot all the same.
        subprocess.run([*words, "--timeout=4000", page.address], timeout=60, capture_output=True, check=True)
    finally:
        done.set()
        player.join()
    picture = cv2.imread(str(shot))
    assert picture.shape[:2] == (320, 480)
    assert picture[160, 240] == pytest.approx(90, abs=6)  # the middle of the painted frame, grey on a dark page
    assert picture.max() > 200  # and its white cells


def press(page: Page, body: str, *, kind: str = "application/json", host: str | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=5)
    headers = {"Content-Type": kind, "Host": host or f"127.0.0.1:{page.port}"}
    connection.request("POST", f"/{page.token}/key", body, headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


@pytest.fixture
def pressed(page: Page) -> Iterator[list[str]]:
    """The keys that the page has passed on, answered by a thread as the loop does."""
    keys: list[str] = []
    over = threading.Event()

    def handle(key: str) -> str:
        keys.append(key)
        return f"{len(keys)} keys"

    def answer() -> None:
        while not over.wait(0.01):
            page.answer_keys(handle)

    thread = threading.Thread(target=answer)
    thread.start()
    yield keys
    over.set()
    thread.join()


def test_a_key_pressed_on_the_page_is_handed_on_and_answered(page: Page, pressed: list[str]) -> None:
    assert press(page, '{"key": "n"}') == (200, b'{"status": "1 keys"}')
    assert press(page, '{"key": "["}') == (200, b'{"status": "2 keys"}')
    assert pressed == ["n", "["]
    status, body = ask(page, f"/{page.token}/")
    assert b"[/] canvas" in body  # the page lists its keys
    assert b"quit" not in body
    status, body = ask(page, f"/{page.token}/keys.js")
    assert status == 200
    assert b"requestFullscreen" in body


@pytest.mark.parametrize(
    "body", ["", "[]", "3", '"n"', '{"key": "q"}', '{"key": ["n"]}', '{"key": "n"' + " " * 300 + "}"]
)
def test_h1_a_request_that_names_no_key_of_the_page_is_refused(page: Page, pressed: list[str], body: str) -> None:
    assert press(page, body)[0] == 400
    assert pressed == []


def test_h1_keys_of_another_site_are_refused(page: Page, pressed: list[str]) -> None:
    assert press(page, '{"key": "n"}', host="evil.example")[0] == 403
    assert press(page, '{"key": "n"}', kind="text/plain")[0] == 404  # what a form on another site can send
    assert pressed == []


def test_a_key_that_is_not_handled_in_time_is_refused_and_forgotten(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "ANSWER_TIME", 0.05)
    assert press(page, '{"key": "n"}')[0] == 503
    page.answer_keys(lambda key: pytest.fail("handled too late"))


def test_the_page_has_a_button_for_each_style_and_each_control(tmp_path: Path) -> None:
    from videostyle.live.keys import BUTTONS
    from videostyle.styles.resolve import thumbnail

    page = Page(0, styles=[("great-wave", thumbnail("great-wave")), ("<b>", None), ("gone", tmp_path / "gone.jpg")])
    try:
        status, body = ask(page, f"/{page.token}/")
        text = body.decode()
        assert status == 200
        assert 'src="style/1.jpg"' in text
        assert "&lt;b&gt;" in text
        assert text.count("<button") == 3 + len(BUTTONS)
        status, picture = ask(page, f"/{page.token}/style/1.jpg")
        assert status == 200
        assert decoded_jpeg(picture).shape[1] == 144
        assert [ask(page, f"/{page.token}/style/{n}.jpg")[0] for n in (2, 3, 4, 0)] == [404] * 4
    finally:
        page.close()


def test_what_everybody_looks_at_first_is_the_unpainted_picture(page: Page) -> None:
    from videostyle.live.warmup import show_first_picture

    picture = np.zeros((120, 160, 3), np.uint8)
    picture[:, :80] = 200
    shown: list[np.ndarray] = []

    class Screen:
        def show(self, picture: np.ndarray | None) -> str:
            shown.append(picture)  # type: ignore[arg-type]
            return ""

        def toggle_fullscreen(self) -> None: ...

    show_first_picture(picture, Screen(), [page], mirror=True)
    assert shown[0][60, 120].tolist() == [200, 200, 200]
    assert (shown[0] != picture[:, ::-1]).any()  # the note
    on_page = decoded_jpeg(ask(page, f"/{page.token}/frame.jpg")[1])
    assert abs(int(on_page[60, 120, 0]) - 200) < 8
