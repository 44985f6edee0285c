"""A hand-made KuaiRec folder of six and two log rows, two users and three videos, in the official layout."""

from __future__ import annotations

from pathlib import Path

from watchtime.core.catalog import find_root
from watchtime.core.dataset_card import DatasetCard
from watchtime.core.yaml_files import read_yaml

CARD = DatasetCard.model_validate(read_yaml(find_root() / "config" / "datasets" / "kuairec.yaml"))
BIG, SMALL = "big_matrix.csv", "small_matrix.csv"
USERS, CATEGORIES = "user_features.csv", "item_categories.csv"
CAPTIONS, DAILY = "kuairec_caption_category.csv", "item_daily_features.csv"

LOG_HEADER = "user_id,video_id,play_duration,video_duration,time,date,timestamp,watch_ratio"
# row 1 repeats row 0; row 4 is an advertisement with a watch ratio of 11; user 9 and video 99 have no feature row
BIG_ROWS = [
    "1,10,13838,10867,2020-07-05 00:08:23.438,20200705,1593878903.438,1.2733965215790926",
    "1,10,13838,10867,2020-07-05 00:08:23.438,20200705,1593878903.438,1.2733965215790926",
    "1,11,0,7908,2020-07-05 23:30:00.5,20200705,1593963000.5,0.0",
    "2,10,21734,10867,2020-07-06 16:00:00.0,20200706,1594022400.0,2.0",
    "2,12,66000,6000,2020-07-06 16:01:00.25,20200706,1594022460.25,11.0",
    "9,99,2000.5,4000,2020-07-07 08:00:00.007,20200707,1594080000.007,0.500125",
]
SMALL_ROWS = [
    "2,11,3954,7908,2020-07-06 01:02:03.04,20200706.0,1593968523.04,0.5",
    "1,12,3000,6000,,,,0.5",
]
USER_HEADER = (
    "user_id,user_active_degree,is_lowactive_period,is_live_streamer,is_video_author,follow_user_num,"
    "follow_user_num_range,fans_user_num,fans_user_num_range,friend_user_num,friend_user_num_range,register_days,"
    "register_days_range," + ",".join(f"onehot_feat{i}" for i in range(18))
)
USER_ROWS = [
    '1,high_active,0,0,1,5,"(0,10]",0,0,0,0,107,61-90,0,1,17,638,2,0,1,6,184,6,3,0,1,0,0,0,0,0',
    '2,full_active,1,0,0,386,"(250,500]",4,"[1,10)",2,"[1,5)",327,181-365,0,3,25,1021,,0,1,6,186,6,2,0,,,,,,',
]
CATEGORY_HEADER = "video_id,feat"
CATEGORY_ROWS = ["10,[8]", '11,"[27, 9]"', "12,[26]"]
CAPTION_HEADER = (
    "video_id,manual_cover_text,caption,topic_tag,first_level_category_id,first_level_category_name,"
    "second_level_category_id,second_level_category_name,third_level_category_id,third_level_category_name"
)
CAPTION_ROWS = [
    '11,a cover,"one, two",[],27,高新数码,-124,UNKNOWN,-124,UNKNOWN',
    '10,UNKNOWN,a carriage\rreturn,"[五爱市场,搞笑]",8,颜值,673,颜值随拍,2434,景物摄影',
]
COUNTS = 45
DAILY_HEADER = (
    "video_id,date,author_id,video_type,upload_dt,upload_type,visible_status,video_duration,video_width,video_height,"
    "music_id,video_tag_id,video_tag_name,show_cnt,show_user_num,play_cnt,play_user_num,play_duration,"
    "complete_play_cnt,complete_play_user_num,valid_play_cnt,valid_play_user_num,long_time_play_cnt,"
    "long_time_play_user_num,short_time_play_cnt,short_time_play_user_num,play_progress,comment_stay_duration,"
    "like_cnt,like_user_num,click_like_cnt,double_click_cnt,cancel_like_cnt,cancel_like_user_num,comment_cnt,"
    "comment_user_num,direct_comment_cnt,reply_comment_cnt,delete_comment_cnt,delete_comment_user_num,"
    "comment_like_cnt,comment_like_user_num,follow_cnt,follow_user_num,cancel_follow_cnt,cancel_follow_user_num,"
    "share_cnt,share_user_num,download_cnt,download_user_num,report_cnt,report_user_num,reduce_similar_cnt,"
    "reduce_similar_user_num,collect_cnt,collect_user_num,cancel_collect_cnt,cancel_collect_user_num"
)
DAILY_ROWS = [
    start + ",7" * COUNTS
    for start in (
        "10,20200705,41,NORMAL,2020-06-30,ShortImport,public,10867.0,720,1280,501,1008,a tag",
        "10,20200706,42,UNKNOWN,2020-07-01,Web,private,10867.0,720,1280,502,1009,another tag",
        "11,20200706,41,NORMAL,2020-07-06,Web,public,7908.0,720,1280,503,-124,UNKNOWN",
        "12,20200706,43,AD,,Web,public,6000.0,720,1280,,1026,a tag",
    )
]
FILES = {
    BIG: (LOG_HEADER, BIG_ROWS),
    SMALL: (LOG_HEADER, SMALL_ROWS),
    USERS: (USER_HEADER, USER_ROWS),
    CATEGORIES: (CATEGORY_HEADER, CATEGORY_ROWS),
    CAPTIONS: (CAPTION_HEADER, CAPTION_ROWS),
    DAILY: (DAILY_HEADER, DAILY_ROWS),
}


def write_folder(folder: Path) -> Path:
    """Write the six files and return the folder."""
    (folder / "data").mkdir(parents=True)
    for name, (header, rows) in FILES.items():
        (folder / "data" / name).write_bytes(("\n".join([header, *rows]) + "\n").encode())
    return folder
