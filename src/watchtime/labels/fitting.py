"""The step that fits a codec, as the command line calls it: on training rows, unless a variant leaks on purpose."""

from __future__ import annotations

import numpy as np

from watchtime.core.errors import WatchtimeError, unknown
from watchtime.core.files import write_json
from watchtime.core.job import JobSpec
from watchtime.core.plan import Plan
from watchtime.datasets.encoded import EncodedLog
from watchtime.datasets.protocols import OUTSIDE, TRAINING
from watchtime.labels import storage


def fit(plan: Plan, name: str) -> None:
    """Fit the codec ``dataset/task/protocol/name-hash`` and note its reconstruction error on the rows that it saw."""
    spec = _spec(plan, name)
    assert spec.codec is not None
    log = EncodedLog.load(plan.encoded_folder(spec.dataset, spec.protocol))
    seen = np.flatnonzero(log.part != OUTSIDE if spec.fits_codec_on_all_rows else log.part == TRAINING)
    duration = None if log.duration is None else log.duration[seen]
    target = log.target(spec.task)[seen]
    fitted = storage.fit_codec(spec.codec.name, spec.codec.settings, target, duration)
    path = plan.codec_file(spec)
    assert path is not None
    error = fitted.reconstruction_error(target, duration)
    storage.save(fitted, path)
    write_json(
        path.with_suffix(".json"),
        {"codec": spec.codec.name, "settings": spec.codec.settings, "rows": len(seen), "reconstruction_error": error},
    )


def _spec(plan: Plan, name: str) -> JobSpec:
    specs = {
        f"{spec.dataset}/{spec.task}/{spec.protocol}/{spec.codec_key}": spec
        for spec in plan.jobs.values()
        if spec.codec is not None
    }
    if name not in specs:
        raise WatchtimeError(unknown("codec", name, specs, "--codec"))
    return specs[name]
