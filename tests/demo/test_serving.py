import io
import socket
import threading
from datetime import UTC, datetime

import httpx2
import pytest
from rich.console import Console

from service.bootstrap import House
from service.config import Settings, SourceSettings
from service.demo.stage import serve_inbox
from tests.demo.clocks import Running


@pytest.fixture
def house(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"x" * 40)
    source = SourceSettings(id="demo", base_url="http://127.0.0.1:9/fhir").model_dump()
    database = {"url": f"sqlite:///{tmp_path / 'ledger.db'}"}
    tree = {"instance": {"secret_file": secret}, "database": database, "source": {"demo": source}}
    with House(Settings.model_validate(tree)) as house:
        yield house


def test_the_inbox_stays_up_until_it_is_ended_and_takes_a_free_port_when_its_own_is_taken(house):
    screen, ended = io.StringIO(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        clock = Running(datetime(2028, 1, 20, tzinfo=UTC))
        console = Console(file=screen, width=200, color_system=None)
        serving = threading.Thread(target=serve_inbox, args=(house, clock, port, console, ended))
        serving.start()
        try:
            while "\n" not in screen.getvalue():
                assert serving.is_alive()
                threading.Event().wait(0.01)
            url = screen.getvalue().split()[1]
            assert f":{port}/" not in url
            assert httpx2.get(url, trust_env=False).status_code == 200
        finally:
            ended.set()
            serving.join(10)
    assert not serving.is_alive()
