"""The project's own tables and cards, as a slip of the pen may leave them."""

from __future__ import annotations

METHOD = "title: VR\nsummary: s\nreference: r\nfamily: network\ntasks: [watch_time]\nreadouts: [mean]\n"
DATASET = "title: K\nsummary: s\nreference: r\nlicence: l\nredistribution: r\ntasks: {watch_time: s}\nlogs: [a.csv]\n"
PUBLISHED = "artifact,dataset,task,method,variant,metric,direction,value,spread,unit,note\n"
CELL = "table1,kuairec,watch_time,vr,full,mae,lower,1.5,,s,\n"
LEDGER = "paper,artifact,title,kind,needs\n"

FILES: dict[str, dict[str, str | bytes]] = {
    "config/methods/vr.yaml": {
        "empty": "",
        "a_list": "- title: VR\n",
        "no_variant": f"{METHOD}variants: {{}}\n",
        "variants_missing": METHOD,
        "unknown_key": f"{METHOD}variants: {{paper: {{}}}}\nsumary: s\n",
        "unknown_family": METHOD.replace("network", "forest") + "variants: {paper: {}}\n",
        "unknown_leak": f"{METHOD}variants: {{paper: {{leak: everything}}}}\n",
        "key_twice": f"{METHOD}title: VR\nvariants: {{paper: {{}}}}\n",
        "object": f"{METHOD}variants: {{paper: !!python/name:os.system }}\n",
        "laughing": f"{METHOD}x0: &x0 [a, a]\n"
        + "".join(f"x{one + 1}: &x{one + 1} [{', '.join([f'*x{one}'] * 10)}]\n" for one in range(7)),
        "latin_1": b"title: caf\xe9\n",
    },
    "config/datasets/kuairec.yaml": {
        "a_word": "KuaiRec\n",
        "features_that_are_a_list": f"{DATASET}features: [user]\n",
        "feature_of_no_side": f"{DATASET}features: {{user: {{kind: categorical, side: both}}}}\n",
        "checksum_that_is_none": f"{DATASET}features: {{}}\nsources: [{{url: u, checksum: md5, save_as: a}}]\n",
        "source_of_nothing": f"{DATASET}features: {{}}\nsources: [{{url: u, checksum: 'md5:{'0' * 32}'}}]\n",
        "cut": "title: K\nfeatures: {user: {kind: cat\n",
    },
    "config/protocols.yaml": {
        "a_list": "[random_622]\n",
        "two_shares": "random_622: {title: t, order: random, shares: [0.6, 0.4]}\n",
        "unknown_order": "random_622: {title: t, order: by_chance, shares: [0.6, 0.2, 0.2]}\n",
        "a_word": "random_622: often\n",
    },
    "config/sizes.yaml": {
        "no_layers": "tiny: {encoder: {layers: []}}\n",
        "negative_layer": "tiny: {encoder: {layers: [-1]}, training: {}}\n",
    },
    "config/papers/gr.yaml": {
        "no_artifacts": "title: GR\n",
        "artifact_that_is_a_word": "title: GR\nartifacts: {table1: t}\n",
    },
    "config/published/words.yaml": {"empty": "", "a_list": "- mae\n", "binary": b"\0\1\2"},
    "config/published/gr.csv": {
        "empty": "",
        "other_columns": "a,b\n1,2\n",
        "short_line": PUBLISHED + "table1,kuairec\n",
        "long_line": PUBLISHED + CELL.replace("\n", ",x\n"),
        "no_number": PUBLISHED + CELL.replace("1.5", "a lot"),
        "formula": PUBLISHED + CELL.replace("1.5", "=1+1"),
        "nan": PUBLISHED + CELL.replace("1.5", "nan"),
        "infinite": PUBLISHED + CELL.replace("1.5", "inf"),
        "open_quote": PUBLISHED + CELL.replace("mae", '"mae'),
        "quote_inside": PUBLISHED + CELL.replace("mae", '"ma"e'),
        "semicolons": (PUBLISHED + CELL).replace(",", ";"),
        "latin_1": (PUBLISHED + CELL).encode() + b"caf\xe9\n",
        "utf_16": (PUBLISHED + CELL).encode("utf-16"),
        "unknown_metric": PUBLISHED + CELL.replace("mae", "mea"),
        "metric_with_terminal_command": PUBLISHED + CELL.replace("mae", "\x1b[2Jmae"),
    },
    "config/ledger.csv": {
        "short_line": LEDGER + "gr,table1\n",
        "long_line": LEDGER + "gr,table1,One,public,,,\n",
        "unknown_kind": LEDGER + "gr,table1,One,privat,\n",
        "twice": LEDGER + "gr,table1,One,public,\n" * 2,
        "unknown_column": LEDGER.replace("needs", "neds") + "gr,table1,One,public,\n",
        "latin_1": LEDGER.encode() + b"gr,table1,caf\xe9,public,\n",
        "open_quote": LEDGER + 'gr,table1,"One,public,\n',
    },
}


def cases() -> dict[str, bytes]:
    """Return every malformed card and table of the catalogue."""
    return {
        f"catalogue/{target}/{name}": content.encode() if isinstance(content, str) else content
        for target, contents in FILES.items()
        for name, content in contents.items()
    }
