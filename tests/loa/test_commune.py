from loa.demo.commune import places, slug, speakers


def test_the_communes_are_the_real_ones_of_bac_ninh():
    named = {place.name: place for place in places()}
    assert named["Tỉnh Bắc Ninh"].code == "24"
    assert named["Xã Tân Yên"].parent == named["Xã Lục Nam"].parent == "24"
    assert [place.kind for place in places()].count("thôn") == 4


def test_parents_come_before_their_children():
    seen: set[str | None] = {None}
    for place in places():
        assert place.parent in seen
        seen.add(place.code)


def test_four_speakers_stand_in_four_hamlets():
    assert [speaker.id for speaker in speakers(4)] == ["tan-yen-1", "luc-nam-1", "tan-yen-2", "luc-nam-2"]
    assert len({speaker.area for speaker in speakers(4)}) == 4


def test_any_number_of_speakers_has_distinct_ids():
    assert len({speaker.id for speaker in speakers(25)}) == 25


def test_names_become_plain_letters():
    assert slug("Đồng Kỵ, Lục Nam") == "dong-ky-luc-nam"
