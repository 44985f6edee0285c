"""The official feed files of the WeChat Big Data Challenge 2021, written from a world.

Keywords, words and embeddings carry the feed's theme: a keyword names one of its dimensions and the interval of ten
in which its value there lies.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from watchtime.datasets.simulator import attributes
from watchtime.datasets.simulator.arithmetic import Integers, generator, signed
from watchtime.datasets.simulator.features import interval_words
from watchtime.datasets.simulator.world import World

INFO_HEADER = (
    "feedid,authorid,videoplayseconds,description,ocr,asr,bgm_song_id,bgm_singer_id,manual_keyword_list,"
    "machine_keyword_list,manual_tag_list,machine_tag_list,description_char,ocr_char,asr_char"
)
INTERVALS = 10  # of a theme's dimension
MANUAL_SHARE, MACHINE_SHARE, MUSIC_SHARE = 0.64, 0.92, 0.52
TEXTS = {"description": (0.96, 0), "ocr": (0.72, 200), "asr": (0.75, 400)}  # share of feeds with it, first word
SONGS_PER_SINGER = 3
EMBEDDING = 16


def feed_info(world: World, seed: int) -> pl.DataFrame:
    """Return ``feed_info.csv``: lists as "12;7", machine tags as "12 0.853;7 0.21", texts as "12 7"; else empty."""
    items, rng = world.items, generator(seed, part="feed info")
    count = len(items.author)
    keywords = 1 + interval_words(items.theme, INTERVALS)
    has_music = pl.Series(rng.random(count) < MUSIC_SHARE)
    song = pl.Series(items.music)
    tagged = ~pl.Series(items.untagged)
    tags = _tag_lists(items.tags)
    columns = {
        "feedid": pl.Series(np.arange(count)),
        "authorid": pl.Series(items.author),
        "videoplayseconds": pl.Series((items.duration_ms / 1_000.0).astype(np.int64)),
        "bgm_song_id": song.zip_with(has_music, pl.Series([None], dtype=pl.Int64)),
        "bgm_singer_id": (song // SONGS_PER_SINGER).zip_with(has_music, pl.Series([None], dtype=pl.Int64)),
        "manual_keyword_list": _some(rng, keywords, MANUAL_SHARE, 0.4, ";"),
        "machine_keyword_list": _some(rng, keywords, MACHINE_SHARE, 0.6, ";"),
        "manual_tag_list": _joined(tags, ";").zip_with(tagged, pl.Series([None], dtype=pl.String)),
        "machine_tag_list": _machine_tags(rng, tags).zip_with(tagged, pl.Series([None], dtype=pl.String)),
    }
    for name, (share, first) in TEXTS.items():
        columns[name] = _some(rng, first + keywords, share, 0.7, " ")
        columns[f"{name}_char"] = _some(rng, first // 2 + keywords // 2, share, 0.7, " ")
    return pl.DataFrame({name: columns[name] for name in INFO_HEADER.split(",")})


def feed_embeddings(world: World, seed: int) -> pl.DataFrame:
    """Return ``feed_embeddings.csv``: random mixtures of the theme plus noise, in thousandths.

    As in the real file, a space follows each number, the last one too.
    """
    rng = generator(seed, part="feed embeddings")
    theme = world.items.theme
    mixing = signed(rng, EMBEDDING, len(theme))
    noise = 0.2 * signed(rng, EMBEDDING, theme.shape[1])
    frame = pl.DataFrame({"feedid": np.arange(theme.shape[1])})
    numbers = []
    for row, unexplained in zip(mixing, noise, strict=True):
        value = unexplained
        for weight, dimension in zip(row, theme, strict=True):
            value = value + 0.5 * weight * dimension
        numbers.append(pl.Series(np.floor(1_000.0 * value) / 1_000.0).cast(pl.String) + " ")
    return frame.with_columns(feed_embedding=pl.concat_str(numbers))


def _some(rng: np.random.Generator, numbers: Integers, share: float, chance: float, separator: str) -> pl.Series:
    """Return each feed's numbers joined, each with one chance; empty for the others than ``share`` of the feeds."""
    kept = (rng.random(numbers.shape) < chance) & (rng.random(numbers.shape[1]) < share)
    return _joined(np.where(kept, numbers, -1), separator)


def _joined(numbers: Integers, separator: str) -> pl.Series:
    """Return the numbers of each column of (k, feeds), the negative ones left out, as text; none is missing."""
    lists = [[str(number) for number in column if number >= 0] for column in numbers.T.tolist()]
    return pl.Series([separator.join(texts) or None for texts in lists], dtype=pl.String)


def _tag_lists(tags: Integers) -> Integers:
    """Return (3, feeds) the numbers that the tags have in the raw files, −1 where there are fewer."""
    numbers = np.asarray([int(tag) for tag in attributes.TAGS])
    return np.where(tags >= 0, numbers[tags], -1).T


def _machine_tags(rng: np.random.Generator, tags: Integers) -> pl.Series:
    """Return the tags with a probability each, in thousandths."""
    probability = rng.integers(300, 1_000, tags.shape)
    pairs = zip(tags.T.tolist(), probability.T.tolist(), strict=True)
    texts = (";".join(f"{tag} 0.{chance}" for tag, chance in zip(*pair, strict=True) if tag >= 0) for pair in pairs)
    return pl.Series(list(texts))
