"""A hand-made WeChat21 folder of seven log rows, two users and three feeds, in the official layout."""

from __future__ import annotations

from pathlib import Path

from watchtime.core.catalog import find_root
from watchtime.core.dataset_card import DatasetCard
from watchtime.core.yaml_files import read_yaml

CARD = DatasetCard.model_validate(read_yaml(find_root() / "config" / "datasets" / "wechat21.yaml"))
ACTIONS, FEEDS, EMBEDDINGS = "user_action.csv", "feed_info.csv", "feed_embeddings.csv"

ACTION_HEADER = "userid,feedid,date_,device,read_comment,comment,like,play,stay,click_avatar,forward,follow,favorite"
# row 3 repeats the pair of row 0; feed 203 has duration 0; row 5 has a watch ratio of 10.5; feed 299 has no row
ACTION_ROWS = [
    "8,201,1,1,1,0,0,13838,14000,0,0,0,0",
    "8,202,2,1,0,1,0,0,300,0,0,0,0",
    "8,203,2,1,0,0,1,2000,2100,0,0,0,0",
    "8,201,14,1,0,0,0,38000,39000,1,0,0,0",
    "11,299,3,2,0,0,0,7000,7100,0,1,0,0",
    "11,202,3,2,0,0,0,63000,64000,0,0,1,0",
    "11,201,9,2,0,0,0,500.5,600,0,0,0,1",
]
FEED_HEADER = (
    "feedid,authorid,videoplayseconds,description,ocr,asr,bgm_song_id,bgm_singer_id,manual_keyword_list,"
    "machine_keyword_list,manual_tag_list,machine_tag_list,description_char,ocr_char,asr_char"
)
FEED_ROWS = [
    "202,6165,6,1 2,3,,19356,11703,15506;7715,26334,81;269,269 0.8525666;81 0.25;8 1.1e-07;10 1,4,5,6",
    "201,9386,38,,,,,,,219;7,6,306 0.0,,,",
    "203,6165,0,,,,7,8.0,,,,,,,",
]
EMBEDDING_HEADER = "feedid,feed_embedding"
EMBEDDING_ROWS = ["201,0.5 -0.25 1e-3 ", "203,0 1 2 "]
FILES = {
    ACTIONS: (ACTION_HEADER, ACTION_ROWS),
    FEEDS: (FEED_HEADER, FEED_ROWS),
    EMBEDDINGS: (EMBEDDING_HEADER, EMBEDDING_ROWS),
}


def write_folder(folder: Path) -> Path:
    """Write the three files and return the folder."""
    folder.mkdir(parents=True)
    for name, (header, rows) in FILES.items():
        (folder / name).write_bytes(("\n".join([header, *rows]) + "\n").encode())
    return folder
