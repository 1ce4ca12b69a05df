"""What every extension needs of the local cloud it is part of."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import botocore.config
import botocore.loaders
import botocore.session
from ministack.core.responses import get_account_id, get_region

from local_cloud.directory import Layout, ServerState

_LOADER = botocore.loaders.create_loader()
_CLIENTS = threading.Lock()


@dataclass(frozen=True)
class Credentials:
    """A key pair, with a session token where it is a role's."""

    access_key_id: str
    secret_access_key: str
    session_token: str = ""

    def environment(self) -> dict[str, str]:
        """As the variables that every SDK reads."""
        variables = {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
        }
        token = {"AWS_SESSION_TOKEN": self.session_token} if self.session_token else {}
        return {**variables, **token}


@dataclass(frozen=True)
class Machine:
    """One server: its files, its endpoint, whether it enforces IAM."""

    layout: Layout
    state: ServerState
    git: Callable[[], dict[str, str]] = dict  # variables with which git finds GitHub here

    def client(self, service: str, credentials: Credentials, region: str | None = None) -> Any:
        """An AWS client of this very cloud; only for worker threads, never for its event loop.

        What a build or a pipeline does with a role goes this way, so that policies decide it.
        """
        with _CLIENTS:  # making clients is not thread-safe
            session = botocore.session.Session()
            session.register_component("data_loader", _LOADER)
            return session.create_client(
                service,
                region_name=region or get_region(),
                endpoint_url=self.state.endpoint,
                aws_access_key_id=credentials.access_key_id,
                aws_secret_access_key=credentials.secret_access_key,
                aws_session_token=credentials.session_token or None,
                config=botocore.config.Config(
                    retries={"total_max_attempts": 3}, read_timeout=60, proxies={}
                ),
            )

    def assume(self, credentials: Credentials, role_arn: str) -> Credentials:
        """A session of a role that trusts the holder of these credentials."""
        sts = self.client("sts", credentials)
        keys = sts.assume_role(RoleArn=role_arn, RoleSessionName="local-cloud")["Credentials"]
        return Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])

    def root(self) -> Credentials:
        """The root user of the account of this request."""
        return Credentials(get_account_id(), "test")
