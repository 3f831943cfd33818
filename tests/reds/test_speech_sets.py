"""Speech Commands: parts, classes, silence, augmentation."""

from __future__ import annotations

import wave
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from data_files import OTHER_WORDS, write_speech_commands, write_speech_test_set, write_wav
from published_data import published_data

from reds.cache import CACHE_VARIABLE
from reds.datasets import speech_commands, speech_test_set
from reds.datasets.mfcc import Mfcc
from reds.datasets.request import Request
from reds.datasets.speech_augmentation import SpeechAugmentation
from reds.datasets.speech_clips import CLASSES, WORDS
from reds.datasets.speech_commands import chosen
from reds.datasets.speech_partitions import (
    HASH_RULE,
    OFFICIAL_LISTS,
    TESTING,
    TRAINING,
    UNOFFICIAL_LISTS,
    VALIDATION,
    part_of,
    partitions,
)
from reds.datasets.split import Split, open_split
from reds.datasets.wav import read_clip, read_samples
from reds.errors import ConfigError, MissingError, ProtocolError
from reds.prepared import prepared_data


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))


def prepared(name: str, data_dir: Path, shape: tuple[int, ...] = (49, 10, 1)) -> Split:
    return open_split(prepared_data(name, Request(0, shape, data_dir)))


@pytest.mark.parametrize("length", [0, 1, 9_000, 16_000, 20_000])
def test_a_clip_is_a_second_long(length: int, tmp_path: Path) -> None:
    samples = np.random.default_rng(0).integers(-32768, 32768, length)
    write_wav(tmp_path / "a.wav", samples)
    clip = read_clip(tmp_path / "a.wav")
    assert clip.dtype == np.int16
    assert np.array_equal(clip, np.pad(samples[:16_000], (0, max(0, 16_000 - length))))
    assert len(read_samples(tmp_path / "a.wav", 100_000)) == length


def test_other_recordings_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    path, samples = tmp_path / "a.wav", np.arange(2000)
    write_wav(path, samples, rate_hz=8000)
    with pytest.raises(ProtocolError, match="8000 Hz, 1 channels, 16 bits"):
        read_clip(path)
    write_wav(path, samples, channels=2)
    with pytest.raises(ProtocolError, match="2 channels"):
        read_clip(path)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 1, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(100))
    with pytest.raises(ProtocolError, match="8 bits"):
        read_clip(path)
    write_wav(path, samples)
    whole = path.read_bytes()
    for content in (whole[:-100], whole[:30], b"", b"RIFF", bytes(100)):
        path.write_bytes(content)
        with pytest.raises(ProtocolError, match=r"truncated|no WAV file"):
            read_clip(path)


def test_a_speaker_has_all_clips_in_one_part() -> None:
    names = [f"{number:08x}" for number in range(4000)]
    parts = [part_of(f"{name}_nohash_0.wav") for name in names]
    assert parts == [part_of(f"{name}_nohash_7.wav") for name in names]
    shares = Counter(parts)
    assert shares[VALIDATION] == pytest.approx(400, abs=80)
    assert shares[TESTING] == pytest.approx(400, abs=80)


def listed(folder: Path, part: str) -> str:
    """The lines of a list that agrees with the hash rule."""
    clips = sorted(folder.glob("[!_]*/*.wav"))
    return "".join(f"{clip.parent.name}/{clip.name}\n" for clip in clips if part_of(clip.name) == part)


def test_lists_are_official_only_where_they_agree_with_the_hash_rule(tmp_path: Path) -> None:
    folder = write_speech_commands(tmp_path, speakers=30)
    by_hash, decided = partitions(folder)
    assert decided == HASH_RULE
    for part, name in ((VALIDATION, "validation_list.txt"), (TESTING, "testing_list.txt")):
        (folder / name).write_text(listed(folder, part))
    assert partitions(folder) == (by_hash, OFFICIAL_LISTS)
    lines = listed(folder, TESTING).splitlines()
    (folder / "testing_list.txt").write_text("\n".join(lines[1:]))
    parts, decided = partitions(folder)
    assert decided == UNOFFICIAL_LISTS
    assert sum(map(len, parts[TESTING].values())) == len(lines) - 1
    assert UNOFFICIAL_LISTS in prepared("speech_commands", tmp_path).origin


def test_lists_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    folder = write_speech_commands(tmp_path, speakers=12)
    (folder / "testing_list.txt").write_text("yes/00000001_nohash_0.wav\n")
    with pytest.raises(MissingError, match=r"validation_list\.txt is missing"):
        partitions(folder)
    (folder / "validation_list.txt").write_text("yes/00000001_nohash_0.wav\n")
    with pytest.raises(ProtocolError, match="name the same clip"):
        partitions(folder)
    (folder / "validation_list.txt").write_text("yes/gone.wav\n")
    with pytest.raises(ProtocolError, match=r"not there\n.*yes/gone\.wav, 1 in all"):
        partitions(folder)


def test_a_tenth_of_silence_and_of_other_words_is_added_to_each_part() -> None:
    def clips(word: str, count: int) -> list[Path]:
        return [Path(word, f"{number}.wav") for number in range(count)]

    part = {**{word: clips(word, 7) for word in WORDS}, "bed": clips("bed", 20), "cat": clips("cat", 20)}
    parts = {TRAINING: {**part, "yes": clips("yes", 8)}, VALIDATION: part, TESTING: {"cat": clips("cat", 5)}}
    examples = chosen(parts)
    assert examples == chosen(parts)
    counts = {name: Counter(example.label for example in part) for name, part in examples.items()}
    assert counts[VALIDATION] == {0: 7, 1: 7, **dict.fromkeys(range(2, 12), 7)}
    assert counts[TRAINING] == {0: 8, 1: 8, 2: 8, **dict.fromkeys(range(3, 12), 7)}
    assert counts[TESTING] == {}
    for example in examples[TRAINING]:
        assert (example.path is None) == (example.label == 0)
        if example.path is not None:
            assert example.label == (CLASSES.index(example.path.parent.name) if example.path.parent.name in WORDS else 1)
    assert [example.label for example in examples[VALIDATION]] != sorted(example.label for example in examples[VALIDATION])
    assert {example.path.parent.name for example in examples[VALIDATION] if example.label == 1 and example.path} == set(
        OTHER_WORDS
    )


@pytest.mark.parametrize(("shape", "stride"), [((49, 10, 1), 320), ((490,), 320), ((250,), 640)])
def test_features_and_clips_belong_together(shape: tuple[int, ...], stride: int, tmp_path: Path) -> None:
    write_speech_commands(tmp_path, speakers=12)
    split = prepared("speech_commands", tmp_path, shape)
    augmentation = split.augmentation
    assert isinstance(augmentation, SpeechAugmentation)
    assert isinstance(augmentation.clips, np.memmap)
    assert np.array_equal(split.x_train, Mfcc(stride)(augmentation.clips / np.float32(32768)))
    silent = np.asarray(split.y_train) == 0
    assert not augmentation.clips[silent].any()
    assert augmentation.clips[~silent].any(axis=1).all()
    assert len(np.unique(split.x_test[np.asarray(split.y_test) == 0], axis=0)) == 1
    assert split.seed == 59185
    seen = split.training_inputs(np.arange(len(split.y_train)), np.random.default_rng(0))
    assert seen.shape == split.x_train.shape
    # Noise of a share of 0.8 is heard in silence too.
    heard = ~(seen[silent] == split.x_train[silent]).all(axis=1)
    assert heard.any()


@pytest.mark.parametrize("shape", [(40, 32, 1), (10, 49, 1), (64,)])
def test_other_forms_are_refused(shape: tuple[int, ...], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="49x10 or 25x10"):
        prepared("speech_commands", tmp_path, shape)


def disturbed(clip: np.ndarray, noise: np.ndarray, count: int = 400, **changes) -> np.ndarray:
    """What is heard of one clip."""
    numbers = {"shift_samples": 1600, "noisy_share": 0.8, "largest_volume": 0.1, **changes}
    augmentation = SpeechAugmentation(clip[None], noise, np.array([len(noise)]), Mfcc(640), **numbers)
    return augmentation.heard(np.zeros(count, np.int64), np.random.default_rng(0))


def test_a_clip_is_moved_by_up_to_a_tenth_of_a_second_and_zeros_follow() -> None:
    clip = np.random.default_rng(1).integers(1, 32768, 16_000).astype(np.int16)
    heard = disturbed(clip, np.zeros(16_000, np.int16))
    shifts = []
    for row in heard:
        first, last = np.flatnonzero(row)[[0, -1]]
        shift = first if first else last - 15_999
        shifts.append(shift)
        kept = clip[max(-shift, 0) : 16_000 - max(shift, 0)]
        assert np.array_equal(row[max(shift, 0) : 16_000 + min(shift, 0)], kept / np.float32(32768))
        assert np.count_nonzero(row) == 16_000 - abs(shift)
    assert -1600 <= min(shifts) < -1500
    assert 1500 < max(shifts) <= 1600


def test_noise_has_a_volume_of_up_to_a_tenth_in_four_clips_of_five_and_sums_are_clipped() -> None:
    noise = np.full(17_000, 16_384, np.int16)  # half of the largest
    heard = disturbed(np.zeros(16_000, np.int16), noise)
    levels = heard[:, 0]
    assert np.array_equal(heard, np.broadcast_to(levels[:, None], heard.shape))
    assert (levels > 0).mean() == pytest.approx(0.8, abs=0.06)
    assert levels.max() == pytest.approx(0.05, abs=0.002)
    assert levels[levels > 0].mean() == pytest.approx(0.025, abs=0.003)
    loud = disturbed(np.full(16_000, 32_767, np.int16), noise, shift_samples=0, largest_volume=1.0)
    assert loud.max() == 1


def test_missing_classes_words_and_noise_are_named(tmp_path: Path) -> None:
    folder = write_speech_commands(tmp_path, speakers=12)
    for path in (folder / "_background_noise_").iterdir():
        path.unlink()
    with pytest.raises(MissingError, match="no noise recordings"):
        prepared("speech_commands", tmp_path)
    write_wav(folder / "_background_noise_" / "short.wav", np.zeros(15_999))
    with pytest.raises(ProtocolError, match="shorter than a second"):
        prepared("speech_commands", tmp_path)
    for word in OTHER_WORDS:
        (folder / word).rename(tmp_path / word)
    with pytest.raises(MissingError, match="other words are missing"):
        prepared("speech_commands", tmp_path)
    (folder / "yes").rename(tmp_path / "yes")
    with pytest.raises(MissingError, match="no clips in yes/"):
        prepared("speech_commands", tmp_path)


def test_a_damaged_clip_is_named_and_a_repaired_set_is_read(tmp_path: Path) -> None:
    folder = write_speech_commands(tmp_path, speakers=12)
    victim = folder / "yes" / "00000003_nohash_0.wav"
    whole = victim.read_bytes()
    victim.write_bytes(whole[:200])
    with pytest.raises(ProtocolError, match="00000003_nohash_0"):
        prepared("speech_commands", tmp_path)
    victim.write_bytes(whole)
    assert len(prepared("speech_commands", tmp_path).y_train)


def test_the_test_archive_is_all_for_testing_with_either_silence(tmp_path: Path) -> None:
    folder = write_speech_test_set(tmp_path)
    zeroed, noisy = (prepared(f"speech_commands_test_set{end}", tmp_path) for end in ("", "_noisy_silence"))
    for split in (zeroed, noisy):
        assert split.counts() == {"train": (0,) * 12, "validation": (0,) * 12, "test": (3,) * 12}
        assert split.x_train.shape == (0, 490)
        with pytest.raises(ConfigError, match="no training examples"):
            split.check_training()
    assert np.array_equal(zeroed.x_test[3:], noisy.x_test[3:])
    assert np.array_equal(zeroed.x_test[:3], Mfcc(320)(np.zeros((3, 16_000), np.float32)))
    assert not np.array_equal(zeroed.x_test[:3], noisy.x_test[:3])
    assert "zeroed" in zeroed.origin
    assert "noise that the archive has" in noisy.origin
    (folder / "_silence_").rename(tmp_path / "gone")
    with pytest.raises(MissingError, match="no clips in _silence_/"):
        prepared("speech_commands_test_set", tmp_path)


@pytest.mark.slow
def test_the_published_clips_are_read() -> None:
    data_dir = published_data(speech_commands.LAYOUT)
    split = prepared("speech_commands", data_dir)
    known = [sum(counts[2:]) for counts in split.counts().values()]
    for counts, words in zip(split.counts().values(), known, strict=True):
        assert counts[0] == -(-words // 10)
        assert 0.9 * counts[0] < counts[1] <= counts[0]


@pytest.mark.slow
def test_the_official_test_clips_are_those_that_the_hash_rule_names() -> None:
    folder = published_data(speech_test_set.LAYOUT) / speech_test_set.LAYOUT.folder
    names = [path.name for word in WORDS for path in (folder / word).glob("*.wav")]
    assert len(names) == 4074
    assert {part_of(name) for name in names} == {TESTING}
