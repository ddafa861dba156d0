"""Dask's own TLS: with certificates there is an answer, without one an error of one line."""

import subprocess
from pathlib import Path

import pytest

from dask_help import Cluster
from podium.io.errors import PodiumError
from podium.runtime import compute

pytestmark = pytest.mark.deep

# The commands of docs/compute.md.
CERTIFICATES = """
openssl req -x509 -newkey rsa:3072 -nodes -days 365 -subj /CN=podium-ca -keyout ca.key -out ca.pem
openssl req -newkey rsa:3072 -nodes -subj /CN=podium -keyout key.pem -out req.pem
openssl x509 -req -in req.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 365 -out cert.pem
"""
ROLES = ("scheduler", "worker", "client")


def test_certificates_are_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import dask

    subprocess.run(["sh", "-ec", CERTIFICATES], cwd=tmp_path, check=True, capture_output=True)
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION", "true")
    tls = {
        f"{role}.{kind}": str(tmp_path / f"{kind}.pem")
        for role in ROLES
        for kind in ("cert", "key")
    }
    tls["ca-file"] = str(tmp_path / "ca.pem")
    for key, path in tls.items():
        name = key.upper().replace(".", "__").replace("-", "_")
        monkeypatch.setenv(f"DASK_DISTRIBUTED__COMM__TLS__{name}", path)
    made = Cluster(tmp_path, "tls")
    try:
        made.add_workers(1)
        keys = {f"distributed.comm.tls.{key}": path for key, path in tls.items()}
        with dask.config.set(keys), compute.executor(made.compute()) as pool:
            assert dict(pool.each(lambda number: number + 1, [1])) == {0: 2}
        with (
            pytest.raises(PodiumError, match="no Dask scheduler answers at tls://"),
            compute.executor(made.compute()),
        ):
            pass
    finally:
        made.end()
