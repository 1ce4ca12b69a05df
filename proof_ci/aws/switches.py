"""SSM: the port `Switches`."""

from proof_ci.ports import UnavailableError

from .clients import client, translated


class ParameterSwitches:
    """Switches kept as SSM parameters; read each time, so that they act at once."""

    def is_on(self, name: str) -> bool:
        """Whether the parameter holds `true`."""
        with translated():
            value = client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
        if value not in ("true", "false"):
            raise UnavailableError("a switch holds neither true nor false")
        return bool(value == "true")
