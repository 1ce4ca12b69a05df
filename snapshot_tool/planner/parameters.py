"""Where each parameter of each stack gets its value, decided for all stacks together.

The first place that has a value wins: command line, project parameters, account register, outputs
of the account's own stacks, outputs of the tools account's stacks, secrets, what the account has
already (only what it owns), template default. Everything that is wrong is told at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from snapshot_tool.errors import BadInputError
from snapshot_tool.model.fields import suggestion
from snapshot_tool.model.manifest import Manifest
from snapshot_tool.model.parameters import MASK, Offer, Source, Value
from snapshot_tool.model.stacks import StackState
from snapshot_tool.model.template import Parameter, Template

STATED = (Source.COMMAND_LINE, Source.PROJECT_FILE)
"""The places where a person wrote a value down, so that an unknown key there is a mistake."""

_BEFORE_OWN = (Source.COMMAND_LINE, Source.PROJECT_FILE, Source.REGISTER)
_AFTER_OWN = (Source.TOOLS_OUTPUT, Source.SECRET)
_OF_SNAPSHOT = frozenset({"snapshotid", "imagetagsuffix"})


@dataclass(frozen=True, kw_only=True)
class Provider:
    """A stack of the same plan whose output fills a parameter.

    `text` is the output's value, None while this plan changes the stack that gives it; `present`
    is what it is until then.
    """

    name: str
    text: str | None
    present: str | None = None


@dataclass
class Resolver:
    """Resolves the parameters of one snapshot's stacks, and collects what is wrong.

    `known_elsewhere` names parameters of other snapshots that the project's file also serves.
    """

    manifest: Manifest
    templates: Mapping[str, Template]
    offers: Sequence[Offer]
    known_elsewhere: Collection[str] = ()
    notes: list[str] = field(default_factory=list)
    _wrong: list[str] = field(default_factory=list)

    def check_keys(self) -> None:
        """Collect the keys that a person stated and that this snapshot does not take."""
        known = {name for template in self.templates.values() for name in template.parameters}
        for offer in self.offers:
            if offer.source in STATED:
                for key in sorted(set(offer.values) - known):
                    self._check_unknown(key, offer, known)

    def resolve(
        self, stack: str, state: StackState | None, providers: Mapping[str, Sequence[Provider]]
    ) -> tuple[Value, ...]:
        """Return the stack's values by name, leaving out those that are complained about."""
        template = self.templates[stack]
        found = []
        for name in sorted(template.parameters):
            parameter = template.parameters[name]
            value = self._value(stack, parameter, providers.get(name, ()), state)
            if value is None:
                self._wrong.append(f"{name}: no value for stack {stack}; {self._tried(parameter)}")
            elif why := parameter.complaint(value.text) if value.text is not None else "":
                self._wrong.append(f"{name}: {_hide(why, parameter)} ({value.where})")
            else:
                found.append(value)
        return tuple(found)

    def done(self) -> None:
        """Raise BadInputError if anything was wrong, naming all of it."""
        if self._wrong:
            lines = list(dict.fromkeys(self._wrong))
            raise BadInputError(
                "the parameters do not fit the snapshot:\n  - " + "\n  - ".join(lines),
                where=f"snapshot {self.manifest.id}",
                fix="correct the project parameters file, or state values on the command line",
            )

    def _value(
        self,
        stack: str,
        parameter: Parameter,
        providers: Sequence[Provider],
        state: StackState | None,
    ) -> Value | None:
        return (
            self._offered(parameter, _BEFORE_OWN)
            or self._provided(stack, parameter, providers)
            or self._offered(parameter, _AFTER_OWN)
            or self._kept(stack, parameter, state)
            or _default(stack, parameter)
        )

    def _offered(self, parameter: Parameter, sources: Iterable[Source]) -> Value | None:
        for source in sources:
            offers = [
                offer
                for offer in self.offers
                if offer.source is source and parameter.name in offer.values
            ]
            if offers:
                texts = {offer.values[parameter.name] for offer in offers}
                if len(texts) > 1:
                    self._ambiguous(parameter, [offer.where for offer in offers])
                return _made(parameter, offers[0].values[parameter.name], source, offers[0].where)
        return None

    def _provided(
        self, stack: str, parameter: Parameter, providers: Sequence[Provider]
    ) -> Value | None:
        if not providers:
            return None
        first = providers[0]
        if len(providers) > 1:
            self._ambiguous(parameter, [provider.name for provider in providers])
        if first.text is not None:
            return _made(parameter, first.text, Source.OWN_OUTPUT, first.name)
        return Value(
            name=parameter.name,
            text=None,
            source=Source.OWN_OUTPUT,
            where=first.name,
            hidden=parameter.no_echo,
            known_after=first.name,
            present=first.present,
        )

    def _kept(self, stack: str, parameter: Parameter, state: StackState | None) -> Value | None:
        if state is None or parameter.name not in self.templates[stack].account_owned:
            return None
        text = state.parameters.get(parameter.name)
        if text is None or parameter.no_echo:
            return None
        return _made(parameter, text, Source.DEPLOYED, state.name)

    def _ambiguous(self, parameter: Parameter, places: Sequence[str]) -> None:
        self._wrong.append(
            f"{parameter.name}: offered by several: {', '.join(sorted(places))};"
            " state which one on the command line"
        )

    def _check_unknown(self, key: str, offer: Offer, known: Collection[str]) -> None:
        if self._of_snapshot(key):
            self._wrong.append(
                f"{key}: belongs to the snapshot, not to a project; choose another snapshot, or"
                f" create one with another package ({offer.where})"
            )
        elif key in self.known_elsewhere and offer.source is Source.PROJECT_FILE:
            self.notes.append(f"{key}: dropped, this snapshot does not know it ({offer.where})")
        else:
            self._wrong.append(
                f"{key}: no stack of the snapshot takes it{suggestion(key, known)} ({offer.where})"
            )

    def _of_snapshot(self, key: str) -> bool:
        kinds = {pin.tool.lower() for pin in self.manifest.packages}
        kinds |= {pin.name.lower() for pin in self.manifest.images}
        return key.lower() in kinds | _OF_SNAPSHOT

    def _tried(self, parameter: Parameter) -> str:
        files = [offer.where for offer in self.offers if offer.source is Source.PROJECT_FILE]
        tried = ["command line", *files, "outputs of the account's and the tools account's stacks"]
        if is_secret(parameter.name):
            tried.append(f"secret {secret_name(parameter.name)}")
        return f"tried {', '.join(tried)}, and there is no default"


_SECRET = "SecretArn"  # noqa: S105  # the ending of a parameter's name


def is_secret(parameter: str) -> bool:
    """True if a parameter takes the ARN of a secret: its name says so."""
    return parameter.endswith(_SECRET) and parameter != _SECRET


def secret_name(parameter: str) -> str:
    """Return the name of the secret that fills a parameter: `GitHubTokenSecretArn`, `GitHubToken`.

    Asked for only where no stack has an output of the parameter's name.
    """
    return parameter.removesuffix(_SECRET)


def _made(parameter: Parameter, text: str, source: Source, where: str) -> Value:
    return Value(
        name=parameter.name, text=text, source=source, where=where, hidden=parameter.no_echo
    )


def _default(stack: str, parameter: Parameter) -> Value | None:
    if parameter.default is None:
        return None
    return _made(parameter, parameter.default, Source.DEFAULT, f"template of {stack}")


def _hide(why: str, parameter: Parameter) -> str:
    """Return a complaint that does not show the value of a NoEcho parameter."""
    return f"{MASK} does not fit the template's rule" if parameter.no_echo else why
