"""A hand-made KuaiRand-Pure folder of seven log rows, three users and three videos, in the official layout."""

from __future__ import annotations

from pathlib import Path

from watchtime.core.catalog import find_root
from watchtime.core.dataset_card import DatasetCard
from watchtime.core.yaml_files import read_yaml

CARD = DatasetCard.model_validate(read_yaml(find_root() / "config" / "datasets" / "kuairand_pure.yaml"))
FIRST_LOG, SECOND_LOG = "log_standard_4_08_to_4_21_pure.csv", "log_standard_4_22_to_5_08_pure.csv"
USERS, VIDEOS = "user_features_pure.csv", "video_features_basic_pure.csv"

LOG_HEADER = (
    "user_id,video_id,date,hourmin,time_ms,is_click,is_like,is_follow,is_comment,is_forward,is_hate,long_view,"
    "play_time_ms,duration_ms,profile_stay_time,comment_stay_time,is_profile_enter,is_rand,tab"
)
# user 9 and video 99 have no feature row; row 2 repeats row 0; row 3 has duration 0; row 6 has a watch ratio of 12
LOG_ROWS = [
    "1,10,20220425,0,1650812741436,1,0,0,0,0,0,1,1500,10000,0,0,0,0,1",
    "2,10,20220425,2300,1650812741000,0,0,0,0,0,0,0,0,10000,0,0,0,0,1",
    "1,10,20220425,0,1650812741436,1,0,0,0,0,0,1,1700,10000,0,0,0,0,1",
    "3,11,20220426,100,1650902741436,0,0,0,0,0,0,0,500,0,0,0,0,0,4",
    "9,11,20220426,1000,1650922741436,0,1,0,0,0,0,0,5000.5,20000,0,0,0,0,0",
    "1,99,20220426,1300,1650952741436,0,0,0,0,0,0,0,3000,3000,0,0,1,0,1",
    "2,12,20220408,1300,1649412741436,0,0,0,0,0,0,0,24000,2000,0,0,0,0,15",
]
USER_HEADER = (
    "user_id,user_active_degree,is_lowactive_period,is_live_streamer,is_video_author,follow_user_num,"
    "follow_user_num_range,fans_user_num,fans_user_num_range,friend_user_num,friend_user_num_range,register_days,"
    "register_days_range," + ",".join(f"onehot_feat{i}" for i in range(18))
)
USER_ROWS = [
    '1,full_active,0,-124,1,514,500+,150,"[100,1k)",34,"[30,60)",799,730+,1,1,29,949,1.0,0,0,14,135,6,3,0,0.0,1.0,0,0,0,0',
    '2,high_active,0,1,0,5,"(0,10]",0,0,0,0,31,31-60,0,2,1,5,,0,0,1,2,3,4,0,,,,,,',
    '3,full_active,0,1,0,,,7,"[1,10)",2,"[1,5)",100,91-180,0,2,1,5,12.0,0,0,1,2,3,4,0,1,0,0,0,0,0',
]
VIDEO_HEADER = (
    "video_id,author_id,video_type,upload_dt,upload_type,visible_status,video_duration,server_width,server_height,"
    "music_id,music_type,tag"
)
VIDEO_ROWS = [
    "10,7349781,NORMAL,2022-04-10,LongImport,0.0,10000.0,720.0,1280.0,9155697141,9.0,39",
    '11,2103883,NORMAL,2022-04-26,Kmovie,0.0,,720.0,1280.0,0,,"67,11"',
    "12,2103883,AD,2022-04-10,Web,0.0,2000.0,720.0,1280.0,6355810746,9.0,",
]


def write_folder(folder: Path) -> Path:
    """Write the four files and return the folder."""
    for name, header, rows in (
        (SECOND_LOG, LOG_HEADER, LOG_ROWS),
        (USERS, USER_HEADER, USER_ROWS),
        (VIDEOS, VIDEO_HEADER, VIDEO_ROWS),
    ):
        write_file(folder / "data" / name, header, rows)
    return folder


def write_file(path: Path, header: str, rows: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
