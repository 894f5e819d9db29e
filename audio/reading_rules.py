"""How Vietnamese offices abbreviate, and how a reader says it: a new line here, a golden pair in the tests."""

ABBREVIATIONS = {
    "ANQP": "an ninh quốc phòng",
    "ANTT": "an ninh trật tự",
    "ATGT": "an toàn giao thông",
    "ATTP": "an toàn thực phẩm",
    "BCĐ": "ban chỉ đạo",
    "BCH": "ban chấp hành",
    "BHXH": "bảo hiểm xã hội",
    "BHYT": "bảo hiểm y tế",
    "BQL": "ban quản lý",
    "CCCD": "căn cước công dân",
    "CLB": "câu lạc bộ",
    "CMND": "chứng minh nhân dân",
    "COVID-19": "cô vít 19",
    "Covid-19": "cô vít 19",
    "CSGT": "cảnh sát giao thông",
    "ĐVTN": "đoàn viên thanh niên",
    "GD&ĐT": "giáo dục và đào tạo",
    "GPMB": "giải phóng mặt bằng",
    "HĐND": "hội đồng nhân dân",
    "HTX": "hợp tác xã",
    "KHHGĐ": "kế hoạch hóa gia đình",
    "KT-XH": "kinh tế xã hội",
    "MTTQ": "mặt trận tổ quốc",
    "NN&PTNT": "nông nghiệp và phát triển nông thôn",
    "NTM": "nông thôn mới",
    "NVQS": "nghĩa vụ quân sự",
    "PCCC": "phòng cháy chữa cháy",
    "PCTT": "phòng chống thiên tai",
    "SĐT": "số điện thoại",
    "ĐT": "điện thoại",
    "TDP": "tổ dân phố",
    "TDTT": "thể dục thể thao",
    "THCS": "trung học cơ sở",
    "THPT": "trung học phổ thông",
    "TKCN": "tìm kiếm cứu nạn",
    "TNCS": "thanh niên cộng sản",
    "TNHH": "trách nhiệm hữu hạn",
    "TP.HCM": "thành phố Hồ Chí Minh",
    "TPHCM": "thành phố Hồ Chí Minh",
    "TP.": "thành phố",
    "TP": "thành phố",
    "TTg": "thủ tướng",
    "TT&TT": "thông tin và truyền thông",
    "TX.": "thị xã",
    "UBND": "ủy ban nhân dân",
    "VH-XH": "văn hóa xã hội",
    "VNeID": "vi en e ai đi",
    "VSMT": "vệ sinh môi trường",
    "đt": "điện thoại",
    "sđt": "số điện thoại",
    "Đ/c": "đồng chí",
    "đ/c": "đồng chí",
    "V/v": "về việc",
    "v/v": "về việc",
    "&": "và",
}
"""Whole words, as written; the longest one wins."""

DOCUMENT_PARTS = {
    "BC": "báo cáo",
    "BTTTT": "bộ thông tin và truyền thông",
    "BYT": "bộ y tế",
    "CĐ": "công điện",
    "CP": "chính phủ",
    "CT": "chỉ thị",
    "CV": "công văn",
    "GM": "giấy mời",
    "HĐND": "hội đồng nhân dân",
    "HD": "hướng dẫn",
    "KH": "kế hoạch",
    "NĐ": "nghị định",
    "NQ": "nghị quyết",
    "PA": "phương án",
    "QĐ": "quyết định",
    "QH": "quốc hội khóa",
    "TB": "thông báo",
    "TT": "thông tư",
    "TTg": "thủ tướng",
    "TTr": "tờ trình",
    "TU": "tỉnh ủy",
    "UBND": "ủy ban nhân dân",
    "VP": "văn phòng",
}
"""The parts of a document's number, 123/QĐ-UBND; also a kind of document written before its number, NĐ 49/2024."""

LETTERS = {
    "A": "a", "B": "bê", "C": "xê", "D": "dê", "Đ": "đê", "E": "e", "G": "giê", "H": "hát", "I": "i", "J": "gi",
    "K": "ca", "L": "lờ", "M": "mờ", "N": "nờ", "O": "o", "P": "pê", "Q": "quy", "R": "rờ", "S": "ét", "T": "tê",
    "U": "u", "Ư": "ư", "V": "vê", "W": "vê kép", "X": "ích", "Y": "i dài", "Z": "dét",
}  # fmt: skip

DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")

EMERGENCY_NUMBERS = ("111", "112", "113", "114", "115")

UNITS = {
    "con": "con",
    "cháu": "cháu",
    "g": "gam",
    "giờ": "giờ",
    "ha": "héc-ta",
    "học sinh": "học sinh",
    "hộ": "hộ",
    "kg": "ki-lô-gam",
    "khẩu": "khẩu",
    "kWh": "ki-lô-oát giờ",
    "liều": "liều",
    "lít": "lít",
    "lần": "lần",
    "m2": "mét vuông",
    "m²": "mét vuông",
    "m3": "mét khối",
    "m³": "mét khối",
    "ngày": "ngày",
    "người": "người",
    "năm": "năm",
    "sào": "sào",
    "số": "số",
    "suất": "suất",
    "tháng": "tháng",
    "tạ": "tạ",
    "tấn": "tấn",
    "yến": "yến",
}
"""What a price is for: 25.000đ/kg, 50.000 đồng/người/tháng."""

ROMAN_CUES = "quý|khóa|khoá|lần thứ|thứ|thế kỷ|chương|mục|phần|kỳ|kỳ họp|hạng|loại|cấp|đợt|tập"
"""After these words a Roman numeral is a number."""

NOT_A_DAY_CUES = "tổ|số|ngõ|ngách|hẻm|nhà|lớp|đạt|tỷ lệ|tỉ lệ|điểm|thửa|tờ|phòng"
"""After these words 3/4 is not the third of April."""
