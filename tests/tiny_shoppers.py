"""A hand-made file of the Acquire Valued Shoppers Challenge: three companies, six customers, in the official layout."""

from __future__ import annotations

from pathlib import Path

from watchtime.core.catalog import find_root
from watchtime.core.dataset_card import DatasetCard
from watchtime.core.yaml_files import read_yaml

CARD = DatasetCard.model_validate(read_yaml(find_root() / "config" / "datasets" / "valued_shoppers.yaml"))
FILE = "transactions.csv"

HEADER = "id,chain,dept,category,company,brand,date,productsize,productmeasure,purchasequantity,purchaseamount"
ROWS = [
    # customer 11 at 500: a return first, three purchases on the start of which two are as dear, then a whole year
    "11,1,5,501,500,71,2012-03-02,12,OZ,-1,-4.00",
    "11,1,5,501,500,71,2012-03-05,12,OZ,1,3.10",
    "11,2,6,601,500,72,2012-03-05,16.9,CT,2,7.20",
    "11,3,7,701,500,73,2012-03-05,1,LB,1,7.20",
    "11,1,5,501,500,71,2012-03-06,12,OZ,1,0.10",
    "11,1,5,501,500,71,2013-03-05,12,OZ,1,0.20",
    "11,1,5,501,500,71,2013-03-06,12,OZ,1,100.00",
    "11,1,5,501,500,71,2012-03-07,12,OZ,1,0.00",
    "11,1,5,501,500,71,2012-03-08,12,OZ,-1,-9.00",
    # customer 12 at 500 buys once, on the last day of the cohort, of no brand and no measure
    "12,1,5,501,500,0,2012-06-30,1,,1,2.50",
    # customer 4900000000 at 500, one day too late
    "4900000000,1,5,501,500,0,2012-07-01,1,OZ,1,2.00",
    "4900000000,1,5,501,500,0,2012-07-09,1,OZ,1,1.00",
    # the same customers at 40, whose number is smaller, and in another order of customers
    "13,9,9,901,40,9,2012-03-02,1,OZ,1,1.25",
    "12,9,9,901,40,9,2012-03-02,1,OZ,1,1.00",
    "12,9,9,901,40,9,2012-03-03,1,OZ,1,1.00",
    # 600 has as many customers as 40: the smaller number goes first; a return makes no customer
    "14,9,9,901,600,9,2012-03-02,1,OZ,1,6.00",
    "15,9,9,901,600,9,2012-03-02,1,OZ,1,6.00",
    "16,9,9,901,600,9,2012-03-02,1,OZ,-1,-6.00",
]


def write_folder(folder: Path, rows: list[str] | None = None) -> Path:
    """Write the file and return the folder."""
    folder.mkdir(parents=True)
    text = "".join(line + "\n" for line in [HEADER, *(ROWS if rows is None else rows)])
    (folder / FILE).write_text(text, encoding="utf-8")
    return folder
