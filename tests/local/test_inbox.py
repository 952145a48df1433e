"""A person's inbox folder: what is taken, and what is said about the rest."""

import pytest
from trust_benchmarks_local import Trouble, inbox


def test_what_does_not_belong_is_left_out_and_named(tmp_path):
    for name in ("workforce/one.csv", "workfroce/two.csv", "three.csv", ".hidden/four.csv", "workforce/.five"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    files, left_out = inbox.folder_files(tmp_path)
    assert [file.key for file in files] == ["workforce/one.csv"]
    assert [sentence.split()[0] for sentence in left_out] == ["three.csv", "workfroce/"]
    assert all("e_rostering" in sentence for sentence in left_out), "says which names are known"


@pytest.mark.parametrize("made", [[], ["workforce"], ["unknown"]])
def test_an_empty_folder_is_an_error_that_says_what_was_expected(tmp_path, made):
    for name in made:
        (tmp_path / name).mkdir()
    with pytest.raises(Trouble, match=r"holds no file to collect\. Expected one folder a collection: .*workforce"):
        inbox.folder_files(tmp_path)


def test_a_path_that_is_no_folder_is_named(tmp_path):
    with pytest.raises(Trouble, match="is not a folder"):
        inbox.folder_files(tmp_path / "nowhere")
