"""What one training job is: everything that its numbers depend on apart from the data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from watchtime.core.catalog import Catalog, CodecChoice, Leak, MethodCard, MethodOptions
from watchtime.core.config import RunConfig, validate
from watchtime.core.dataset_card import DatasetCard
from watchtime.core.errors import WatchtimeError, unknown
from watchtime.core.files import settings_hash
from watchtime.core.settings import EncoderSettings, Settings, TrainingSettings, shared_groups


class JobSpec(Settings):
    """One (data set, task, protocol, regime, method, variant) with every setting resolved."""

    dataset: str
    task: str
    protocol: str
    regime: str
    size: str
    method: str
    variant: str
    family: str
    deterministic: bool
    readouts: list[str]
    settings: dict[str, Any]
    codec: CodecChoice | None
    features: list[str] | None
    encoder: EncoderSettings
    training: TrainingSettings
    repetitions: int
    seed: int
    device: str
    stacked: bool
    processes: int = 1
    """How many processes train it together."""
    search_trials: int
    search: dict[str, list[Any]]
    leak: Leak | None = None
    """What of the test rows it sees on purpose."""
    like: JobSpec | None = None
    """The job whose number of parameters this one's network is widened to."""

    @property
    def key(self) -> str:
        """The job's place below ``results/<run>/jobs``."""
        return "/".join([self.dataset, self.task, self.protocol, self.regime, self.method, self.variant])

    @property
    def hash(self) -> str:
        """sha256 of the canonical JSON of all settings."""
        return settings_hash(self.model_dump(mode="json"))

    @property
    def gpus(self) -> int:
        """How many GPUs it needs at once."""
        return self.processes if self.device == "cuda" else 0

    @property
    def method_modules(self) -> list[str]:
        """The modules of the methods that the job builds."""
        return [f"methods.{one.method}" for one in (self, self.like) if one]

    @property
    def codec_key(self) -> str | None:
        """Methods whose codec has the same name and settings share this name of its file, fitted on the same rows."""
        if self.codec is None:
            return None
        own = [self.codec.settings, self.leak] if self.fits_codec_on_all_rows else self.codec.settings
        return f"{self.codec.name}-{settings_hash(own)[:12]}"

    @property
    def fits_codec_on_all_rows(self) -> bool:
        """Whether its codec sees validation and test rows, as some released codes have it: a leak, to be measured."""
        return self.leak == "statistics_over_all_rows"

    @property
    def chooses_epoch_on_test(self) -> bool:
        """Whether its epoch is chosen on test rows in place of validation rows: a leak, to be measured."""
        return self.leak == "selection_on_test"


def resolve(
    catalog: Catalog, config: RunConfig, dataset: str, task: str, protocol: str, method: str, variant: str
) -> JobSpec:
    """Lay size, data set, regime, variant and the run's own settings over a method's defaults, in this order."""
    card = catalog.methods[method]
    layers = _layers(card, config, dataset, method, variant)
    size = catalog.sizes[config.size]
    where = f"settings of {method}/{variant}"
    return JobSpec(
        dataset=dataset,
        task=task,
        protocol=protocol,
        regime=config.regime,
        size=config.size,
        method=method,
        variant=variant,
        family=card.family,
        deterministic=card.deterministic,
        readouts=card.variants[variant].readouts or card.readouts,
        settings=method_settings(catalog, config, dataset, method, variant),
        codec=_codec(card, layers),
        features=_features(catalog.datasets[dataset], layers, dataset, where),
        encoder=validate(
            EncoderSettings, _merged(size.encoder.model_dump(), [layer.encoder for layer in layers]), where
        ),
        training=validate(
            TrainingSettings, _merged(size.training.model_dump(), [layer.training for layer in layers]), where
        ),
        repetitions=1 if card.deterministic else config.repetitions,
        seed=config.seed,
        device=config.device if card.family == "network" else "cpu",
        stacked=config.seeds_together == "stacked" and card.stackable,
        processes=config.processes if card.family == "network" else 1,
        search_trials=config.search_trials if card.search else 0,
        search=card.search if config.search_trials else {},
        leak=card.variants[variant].leak,
        like=_like(catalog, config, dataset, task, protocol, card.variants[variant].parameters_of),
    )


def method_settings(catalog: Catalog, config: RunConfig, dataset: str, method: str, variant: str) -> dict[str, Any]:
    """Return the method's own settings, in the same layers."""
    card = catalog.methods[method]
    return _merged(card.settings, [layer.settings for layer in _layers(card, config, dataset, method, variant)])


def _like(catalog: Catalog, config: RunConfig, dataset: str, task: str, protocol: str, name: str) -> JobSpec | None:
    if not name:
        return None
    method, variant = name.split("/")
    return resolve(catalog, config, dataset, task, protocol, method, variant)


def searched_setting(name: str, method: str, family: str, own: Iterable[str]) -> tuple[str, str]:
    """Return the group and the setting that a name in a method's search space stands for.

    ``training.x`` and ``encoder.x`` are shared settings, a plain ``x`` is one of the method's ``own``, group ``""``.
    """
    where = f"config/methods/{method}.yaml: search"
    group, _, setting = name.rpartition(".")
    if group == "codec":
        raise WatchtimeError(f"{where}: '{name}' cannot be searched, because a codec is fitted before the training.")
    shared = shared_groups(family)
    if group and group not in shared:
        raise WatchtimeError(unknown("group of settings", group, shared, where))
    allowed = shared[group].model_fields if group else own
    if setting not in allowed:
        raise WatchtimeError(unknown("setting", setting, allowed, where))
    return group, setting


def user_options(card: MethodCard, values: dict[str, Any]) -> MethodOptions:
    """Return the options that a run's ``settings: {method: {...}}`` stands for."""
    groups = {key: values[key] for key in ("codec", "encoder", "training") if key in values}
    return MethodOptions(settings={key: value for key, value in values.items() if key not in groups}, **groups)


def _layers(card: MethodCard, config: RunConfig, dataset: str, method: str, variant: str) -> list[MethodOptions]:
    chosen = card.variants[variant]
    layers = [card.sizes.get(config.size), card.datasets.get(dataset), card.regimes.get(config.regime)]
    layers += [chosen, chosen.sizes.get(config.size)]
    return [layer for layer in layers if layer] + [user_options(card, config.settings.get(method, {}))]


def _features(data: DatasetCard, layers: list[MethodOptions], dataset: str, where: str) -> list[str] | None:
    """Return the features of the last layer that names a set for the data set, less those that layers go without.

    None are all of them.
    """
    features = None
    for name in (layer.features[dataset] for layer in layers if dataset in layer.features):
        if name not in data.feature_sets:
            raise WatchtimeError(unknown("feature set", name, data.feature_sets, f"{where}: features of {dataset}"))
        features = data.feature_sets[name]
    without = {source for layer in layers for source in layer.without}
    if not without:
        return features
    allowed = data.features if features is None else features
    return [name for name in allowed if data.features[name].source not in without]


def _codec(card: MethodCard, layers: list[MethodOptions]) -> CodecChoice | None:
    """Return the codec with its settings; of another one than the method's own, layers change what it has."""
    if card.codec is None:
        return None
    others = [place for place, layer in enumerate(layers) if layer.codec_name]
    if not others:
        return CodecChoice(name=card.codec.name, settings=_merged(card.codec.settings, [one.codec for one in layers]))
    named = others[-1]
    own = layers[named].codec
    changes = [{key: value for key, value in one.codec.items() if key in own} for one in layers[named + 1 :]]
    return CodecChoice(name=str(layers[named].codec_name), settings=_merged(own, changes))


def _merged(defaults: dict[str, Any], changes: list[dict[str, Any]]) -> dict[str, Any]:
    merged = dict(defaults)
    for change in changes:
        merged.update(change)
    return merged
