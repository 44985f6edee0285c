"""Configurations of a run: YAML that is none, that is more than it seems, and that means what no run can be."""

from __future__ import annotations

HEAD = "name: mine\nmethods: [vr]\nartifacts: []\n"
RUN = f"{HEAD}datasets: {{kuairand_pure: {{}}}}\n"
"""A configuration in order."""


def laughs(levels: int, kind: str) -> str:
    """Return aliases of aliases, ten to the power of ``levels`` values when written out."""
    lines = ["a0: &a0 [x, x]" if kind == "list" else "a0: &a0 {x: 1}"]
    for one in range(levels):
        ten = [f"*a{one}"] * 10
        if kind == "mapping":
            ten = [f"k{place}: {alias}" for place, alias in enumerate(ten)]
        inside = ", ".join(ten)
        value = {"list": f"[{inside}]", "mapping": f"{{{inside}}}", "merge": f"{{<<: [{inside}]}}"}[kind]
        lines.append(f"a{one + 1}: &a{one + 1} {value}")
    return "\n".join([*lines, ""])


def own(changes: str, columns: str = "") -> str:
    """Return a configuration with a log of one's own."""
    return f"{HEAD}datasets: {{mine: {{log: {{file: log.csv{columns}}}{changes}}}}}\n"


TEXTS = {
    "empty": "",
    "only_a_comment": "# nothing\n",
    "only_null": "~\n",
    "only_a_word": "demo\n",
    "only_a_number": "3\n",
    "a_list": "- name: demo\n",
    "two_documents": f"{RUN}---\n{RUN}",
    "open_bracket": "name: [\n",
    "open_brace": "name: {a: 1\n",
    "open_quote": "name: 'demo\n",
    "tab_for_a_space": "seed: 1\nname:\tdemo\n",
    "bad_indent": "name: demo\n seed: 1\n",
    "unknown_escape": 'name: "\\q"\n',
    "unknown_alias": "name: *nobody\n",
    "holds_itself": "&all {all: *all}\n",
    "list_holds_itself": "methods: &all [*all]\n",
    "list_as_key": "? [a, b]\n: c\n",
    "mapping_as_key": "? {a: b}\n: c\n",
    "number_as_key": "3: 4\n",
    "key_twice": f"{RUN}name: other\n",
    "inner_key_twice": f"{HEAD}datasets: {{kuairand_pure: {{core: 3, core: 4}}}}\n",
    "key_twice_as_bool": "{true: 1, True: 2}\n",
    "directive": "%YAML 9.9\n---\nname: demo\n",
    "deep_lists": "[" * 3000,
    "deep_mappings": "{a: " * 3000,
    "deep_indents": "".join(f"{' ' * depth}- \n" for depth in range(20)) + "- x: [\n",
    "laughing_lists": laughs(8, "list"),
    "laughing_mappings": laughs(8, "mapping"),
    "laughing_merges": laughs(8, "merge"),
    "python_object": "name: !!python/object/apply:os.system ['touch made']\n",
    "python_new": "name: !!python/object/new:os.system ['touch made']\n",
    "python_name": "name: !!python/name:os.system\n",
    "python_module": "name: !!python/module:os\n",
    "python_tuple": "methods: !!python/tuple [vr]\n",
    "ruby_object": "name: !ruby/object:X {}\n",
    "own_tag": "name: !include /etc/passwd\n",
    "tag_with_line_end": "name: !<a%0Ab> x\n",
    "empty_int": "seed: !!int ''\n",
    "word_as_int": "seed: !!int many\n",
    "word_as_bool": "name: !!bool maybe\n",
    "word_as_float": "tolerance: !!float some\n",
    "word_as_time": "seed: !!timestamp soon\n",
    "binary_that_is_none": "name: !!binary '!'\n",
    "binary_name": "name: !!binary bWluZQ==\n",
    "set_of_methods": "methods: !!set {vr, tpm}\n",
    "month_13": "seed: 2026-13-01\n",
    "hexadecimal_beyond_64_bits": f"seed: 0x{'f' * 60}\n",
    "digits_beyond_64_bits": f"seed: {'9' * 90}\n",
    "digits_without_end": f"seed: {'9' * 900}\n",
    "sexagesimal_without_end": f"seed: 1{':59' * 300}\n",
    "sexagesimal_float": f"tolerance: 1{':59' * 300}.5\n",
    "infinite_tolerance": f"{RUN}tolerance: .inf\n",
    "nan_tolerance": f"{RUN}tolerance: .nan\n",
    "negative_seed": f"{RUN}seed: -1\n",
    "yes_for_a_number": f"{RUN}repetitions: yes\n",
    "too_many_repetitions": f"{RUN}repetitions: 1000000000\n",
    "unknown_key": f"{RUN}sise: small\n",
    "key_with_line_end": f'{RUN}"a\\nb": 1\n',
    "key_with_terminal_command": f'{RUN}"\\e[2J": 1\n',
    "key_that_reads_backwards": f'{RUN}"\\u202esda": 1\n',
    "long_key": f"{RUN}? {'k' * 900}\n: 1\n",
    "name_that_leads_out": RUN.replace("mine", "../../mine"),
    "absolute_name": RUN.replace("mine", "/tmp/mine"),
    "name_of_dots": RUN.replace("mine", '".."'),
    "name_with_shell": RUN.replace("mine", '"a; touch made"'),
    "name_with_substitution": RUN.replace("mine", '"$(touch made)"'),
    "name_with_line_end": RUN.replace("mine", '"mine\\n"'),
    "name_with_nul": RUN.replace("mine", '"mine\\0"'),
    "name_that_is_an_option": RUN.replace("mine", "--help"),
    "name_that_is_a_formula": RUN.replace("mine", '"=1+1"'),
    "name_with_markup": RUN.replace("mine", '"<script>alert(1)</script>"'),
    "name_in_capitals": RUN.replace("mine", "Mine"),
    "name_without_letters": RUN.replace("mine", "''"),
    "data_set_that_leads_out": RUN.replace("kuairand_pure", "../kuairand_pure"),
    "data_set_that_is_a_formula": RUN.replace("kuairand_pure", '"=cmd()"'),
    "data_set_with_markup": RUN.replace("kuairand_pure", '"<b>"'),
    "unknown_data_set": RUN.replace("kuairand_pure", "kuairand"),
    "no_data_set": f"{HEAD}datasets: {{}}\n",
    "target_that_leads_out": f"{RUN}tasks: [../watch_time]\n",
    "protocol_that_leads_out": f"{RUN}protocols: [../random_622]\n",
    "method_that_leads_out": RUN.replace("[vr]", "[../vr]"),
    "method_of_a_module": RUN.replace("[vr]", "[os.path]"),
    "variant_that_leads_out": RUN.replace("[vr]", "[vr/../../x]"),
    "artifact_that_leads_out": RUN.replace("artifacts: []", "artifacts: [../../etc/passwd]"),
    "folder_that_is_a_list": f"{HEAD}datasets: {{kuairand_pure: {{folder: [raw]}}}}\n",
    "folder_that_is_not_there": f"{HEAD}datasets: {{kuairand_pure: {{folder: ../nowhere}}}}\n",
    "folder_with_nul": f'{HEAD}datasets: {{kuairand_pure: {{folder: "a\\0b"}}}}\n',
    "folder_and_download": f"{HEAD}datasets: {{kuairand_pure: {{folder: raw, download: true}}}}\n",
    "setting_of_no_method": f"{RUN}settings: {{x: {{}}}}\n",
    "setting_of_another_kind": f"{RUN}settings: {{vr: {{training: {{epochs: [1]}}}}}}\n",
    "setting_that_is_a_number": f"{RUN}settings: {{vr: 3}}\n",
    "log_that_is_not_there": own(""),
    "log_with_nul": own("").replace("log.csv", '"a\\0b"'),
    "log_without_file": f"{HEAD}datasets: {{mine: {{log: {{user: uid}}}}}}\n",
    "log_of_another_unit": own("", ", unit: h"),
    "log_feature_that_leads_out": own("", ', features: {"../x": {}}'),
    "log_feature_with_markup": own("", ', features: {"<b>": {}}'),
    "log_feature_that_is_a_formula": own("", ', features: {"=1+1": {}}'),
    "log_feature_that_is_taken": own("", ", features: {user: {}}"),
    "log_column_that_is_a_list": own("", ", user: [a]"),
    "log_target_that_is_a_feature": own("", ", features: {x: {column: watch_time}}"),
    "processes_and_stacked": f"{RUN}processes: 2\nseeds_together: stacked\n",
}
BYTES = {
    "latin_1": b"name: caf\xe9\n",
    "utf_16": RUN.encode("utf-16"),
    "utf_32": RUN.encode("utf-32"),
    "nul": b"name: a\0b\n",
    "bell": b"name: a\x07b\n",
    "half_a_surrogate": b"name: \xed\xa0\x80\n",
    "program": b"\x7fELF\x02\x01\x01\0\0\0\0\0",
    "pickle": b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x04true\x94\x85\x94R.",
}


def cases() -> dict[str, bytes]:
    """Return every malformed configuration."""
    found = {name: text.encode() for name, text in TEXTS.items()} | BYTES
    return {f"configurations/run.yaml/{name}": content for name, content in found.items()}
