//! Python's codecs that fal-host reads, on top of the decoders of encoding_rs. Those follow the
//! web's standard, which differs from Python in places. The table lists the differences, and a test
//! compares every character of one and two bytes.

use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, IBM866, ISO_8859_2, ISO_8859_3, ISO_8859_4,
    ISO_8859_5, ISO_8859_6, ISO_8859_7, ISO_8859_8, ISO_8859_10, ISO_8859_13, ISO_8859_14,
    ISO_8859_15, ISO_8859_16, KOI8_R, KOI8_U, MACINTOSH, SHIFT_JIS, WINDOWS_874, WINDOWS_1250,
    WINDOWS_1251, WINDOWS_1252, WINDOWS_1253, WINDOWS_1254, WINDOWS_1255, WINDOWS_1256,
    WINDOWS_1257, WINDOWS_1258, X_MAC_CYRILLIC,
};

/// One of Python's codecs.
pub(crate) struct Codec {
    /// Python's names for it, as [`normal`] writes them.
    names: &'static str,
    encoding: &'static Encoding,
    /// Whether the bytes 0x80 to 0x9f are control characters, where the web's standard has
    /// printable ones.
    controls: bool,
    /// Characters of the web's standard, each with the character that Python reads instead.
    swaps: &'static [(char, char)],
    /// Pairs of bytes that the two read differently in a way that no swap corrects.
    disputed: fn(u16) -> bool,
}

/// Why a text cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// The codec has no such bytes.
    Bytes,
    /// Python and encoding_rs read them differently.
    Disputed,
}

impl Codec {
    const fn new(names: &'static str, encoding: &'static Encoding) -> Self {
        Self {
            names,
            encoding,
            controls: false,
            swaps: &[],
            disputed: |_| false,
        }
    }

    /// Returns the codec that Python finds by this name.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        let name = normal(name);
        CODECS
            .iter()
            .find(|codec| codec.names.split(' ').any(|known| known == name))
    }

    /// Returns the text as Python reads it.
    pub(crate) fn decode(&self, bytes: &[u8]) -> Result<String, Unreadable> {
        if pairs(bytes).any(self.disputed) {
            return Err(Unreadable::Disputed);
        }
        let text = if self.controls {
            self.decode_singles(bytes)
        } else {
            self.decode_all(bytes)
        };
        let mut text = text.ok_or(Unreadable::Bytes)?;
        for (web, python) in self.swaps {
            text = text.replace(*web, python.encode_utf8(&mut [0; 4]));
        }
        Ok(text)
    }

    fn decode_all(&self, bytes: &[u8]) -> Option<String> {
        let text = self
            .encoding
            .decode_without_bom_handling_and_without_replacement(bytes)?;
        // A byte that a Windows code page lacks is a control character on the web, and an error in
        // Python.
        let lacking = self.encoding.name().starts_with("windows-")
            && text.chars().any(|c| matches!(c, '\u{80}'..='\u{9f}'));
        (!lacking).then(|| text.into_owned())
    }

    fn decode_singles(&self, bytes: &[u8]) -> Option<String> {
        let one = |byte: &u8| match byte {
            0x80..=0x9f => Some(char::from(*byte)),
            byte => self.decode_all(&[*byte])?.chars().next(),
        };
        bytes.iter().map(one).collect()
    }
}

/// Returns the two-byte characters, with the first byte as the high one.
fn pairs(bytes: &[u8]) -> impl Iterator<Item = u16> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        while *bytes.get(at)? < 0x81 {
            at += 1;
        }
        let pair = u16::from_be_bytes([bytes[at], *bytes.get(at + 1)?]);
        at += 2;
        Some(pair)
    })
}

/// Normalises a name as Python does: lower case, with one `_` for each run of other characters.
fn normal(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let words = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_")
}

/// Whether Python has a codec of this name that fal-host reads for ASCII only.
pub(crate) fn is_known_elsewhere(name: &str) -> bool {
    let name = normal(name);
    ELSEWHERE.split(' ').any(|known| known == name)
}

/// Characters of the Japanese set that the web's standard takes from Microsoft's code page.
const JIS_SIGNS: &[(char, char)] = &[
    ('～', '〜'),
    ('∥', '‖'),
    ('－', '−'),
    ('￠', '¢'),
    ('￡', '£'),
    ('￢', '¬'),
];

const BIG5_SIGNS: &[(char, char)] = &[
    ('‧', '•'),
    ('﹑', '､'),
    ('¯', '‾'),
    ('～', '∼'),
    ('⊕', '♁'),
    ('⊙', '☉'),
    ('∕', '／'),
    ('﹨', '＼'),
    ('￥', '¥'),
    ('￠', '¢'),
    ('￡', '£'),
];

static CODECS: [Codec; 39] = [
    Codec::new("1250 cp1250 windows_1250", WINDOWS_1250),
    Codec::new("1251 cp1251 windows_1251", WINDOWS_1251),
    Codec::new("1252 cp1252 windows_1252", WINDOWS_1252),
    Codec::new("1253 cp1253 windows_1253", WINDOWS_1253),
    Codec::new("1254 cp1254 windows_1254", WINDOWS_1254),
    Codec::new("1255 cp1255 windows_1255", WINDOWS_1255),
    Codec::new("1256 cp1256 windows_1256", WINDOWS_1256),
    Codec::new("1257 cp1257 windows_1257", WINDOWS_1257),
    Codec::new("1258 cp1258 windows_1258", WINDOWS_1258),
    Codec::new("866 cp866 csibm866 ibm866", IBM866),
    Codec::new("cp874", WINDOWS_874),
    Codec::new("932 cp932 ms932 ms_kanji mskanji", SHIFT_JIS),
    Codec::new("949 cp949 ms949 uhc", EUC_KR),
    Codec::new(
        "euc_kr euckr korean ks_c_5601 ks_c_5601_1987 ks_x_1001 ksc5601 ksx1001 x_mac_korean",
        EUC_KR,
    ),
    Codec::new("936 cp936 gbk ms936", GBK),
    Codec::new(
        "csisolatin6 iso8859_10 iso_8859_10 iso_8859_10_1992 iso_ir_157 l6 latin6",
        ISO_8859_10,
    ),
    Codec::new("iso8859_13 iso_8859_13 l7 latin7", ISO_8859_13),
    Codec::new(
        "iso8859_14 iso_8859_14 iso_8859_14_1998 iso_celtic iso_ir_199 l8 latin8",
        ISO_8859_14,
    ),
    Codec::new("iso8859_15 iso_8859_15 l9 latin9", ISO_8859_15),
    Codec::new(
        "iso8859_16 iso_8859_16 iso_8859_16_2001 iso_ir_226 l10 latin10",
        ISO_8859_16,
    ),
    Codec::new(
        "csisolatin2 iso8859_2 iso_8859_2 iso_8859_2_1987 iso_ir_101 l2 latin2",
        ISO_8859_2,
    ),
    Codec::new(
        "csisolatin3 iso8859_3 iso_8859_3 iso_8859_3_1988 iso_ir_109 l3 latin3",
        ISO_8859_3,
    ),
    Codec::new(
        "csisolatin4 iso8859_4 iso_8859_4 iso_8859_4_1988 iso_ir_110 l4 latin4",
        ISO_8859_4,
    ),
    Codec::new(
        "csisolatincyrillic cyrillic iso8859_5 iso_8859_5 iso_8859_5_1988 iso_ir_144",
        ISO_8859_5,
    ),
    Codec::new(
        "arabic asmo_708 csisolatinarabic ecma_114 iso8859_6 iso_8859_6 iso_8859_6_1987 iso_ir_127",
        ISO_8859_6,
    ),
    Codec::new(
        "csisolatingreek ecma_118 elot_928 greek greek8 iso8859_7 iso_8859_7 iso_8859_7_1987 iso_ir_126",
        ISO_8859_7,
    ),
    Codec::new(
        "csisolatinhebrew hebrew iso8859_8 iso_8859_8 iso_8859_8_1988 iso_ir_138",
        ISO_8859_8,
    ),
    Codec::new("cskoi8r koi8_r", KOI8_R),
    Codec::new("mac_cyrillic maccyrillic", X_MAC_CYRILLIC),
    Codec::new("mac_roman macintosh macroman", MACINTOSH),
    Codec {
        swaps: BIG5_SIGNS,
        disputed: |pair| matches!(pair, 0xc6a1..=0xc8fe),
        ..Codec::new("big5 big5_tw csbig5 x_mac_trad_chinese", BIG5)
    },
    Codec {
        swaps: JIS_SIGNS,
        disputed: |pair| pair == 0x8fa2,
        ..Codec::new("euc_jp eucjp u_jis ujis", EUC_JP)
    },
    Codec {
        disputed: |pair| matches!(pair, 0xa3a0 | 0xa6d9..=0xa6f3 | 0xa8bc | 0xfe50..=0xfea0),
        ..Codec::new("gb18030 gb18030_2000", GB18030)
    },
    Codec {
        swaps: &[('·', '・'), ('—', '―')],
        ..Codec::new(
            "chinese csiso58gb231280 euc_cn euccn eucgb2312_cn gb2312 gb2312_1980 gb2312_80 iso_ir_58 x_mac_simp_chinese",
            GBK,
        )
    },
    Codec {
        controls: true,
        ..Codec::new("iso8859_11 iso_8859_11 iso_8859_11_2001 thai", WINDOWS_874)
    },
    Codec {
        controls: true,
        ..Codec::new(
            "csisolatin5 iso8859_9 iso_8859_9 iso_8859_9_1989 iso_ir_148 l5 latin5",
            WINDOWS_1254,
        )
    },
    Codec {
        swaps: &[('ў', '╝'), ('Ў', '╬')],
        ..Codec::new("koi8_u", KOI8_U)
    },
    Codec {
        swaps: JIS_SIGNS,
        ..Codec::new(
            "csshiftjis s_jis shift_jis shiftjis sjis x_mac_japanese",
            SHIFT_JIS,
        )
    },
    Codec {
        controls: true,
        ..Codec::new(
            "iso_ir_166 tis620 tis_620 tis_620_0 tis_620_2529_0 tis_620_2529_1",
            WINDOWS_874,
        )
    },
];

static ELSEWHERE: &str = "\
    1125 437 775 850 852 855 857 858 860 861 862 863 865 869 950 big5_hkscs big5hkscs cp1006 cp1051 cp1125 cp1361 \
    cp154 cp437 cp720 cp737 cp775 cp850 cp852 cp855 cp856 cp857 cp858 cp860 cp861 cp862 cp863 cp865 cp866u cp869 \
    cp950 cp_gr cp_is csHPRoman8 csibm855 csibm857 csibm858 csibm860 csibm861 csibm863 csibm865 csibm869 \
    csiso2022jp cspc775baltic cspc850multilingual cspc862latinhebrew cspc8codepage437 cspcp852 csptcp154 \
    cyrillic_asian euc_jis2004 euc_jis_2004 euc_jisx0213 eucjis2004 eucjisx0213 hkscs hp_roman8 ibm1051 ibm1125 \
    ibm437 ibm775 ibm850 ibm852 ibm855 ibm857 ibm858 ibm860 ibm861 ibm862 ibm863 ibm865 ibm869 iso2022_jp \
    iso2022_jp_1 iso2022_jp_2 iso2022_jp_2004 iso2022_jp_3 iso2022_jp_ext iso2022jp iso2022jp_1 iso2022jp_2 \
    iso2022jp_2004 iso2022jp_3 iso2022jp_ext iso_2022_jp iso_2022_jp_1 iso_2022_jp_2 iso_2022_jp_2004 \
    iso_2022_jp_3 iso_2022_jp_ext jisx0213 johab koi8_t kz1048 kz_1048 mac_arabic mac_centeuro mac_croatian \
    mac_farsi mac_greek mac_iceland mac_latin2 mac_romanian mac_turkish maccentraleurope macgreek maciceland \
    maclatin2 macturkish ms1361 ms950 palmos pt154 ptcp154 r8 rk1048 roman8 ruscii strk1048_2002";

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// For each codec the characters of one and of two bytes as Python reads them: a line for each
    /// codec, with `-` for what it refuses.
    const ORACLE: &str = r#"
import sys
for name in sys.argv[1:]:
    units = [bytes([a]) for a in range(256)] + [bytes([a, b]) for a in range(128, 256) for b in range(48, 256)]
    def shown(unit):
        try:
            return "+".join(format(ord(c), "x") for c in unit.decode(name))
        except UnicodeDecodeError:
            return "-"
    print(" ".join(map(shown, units)))
"#;

    #[test]
    fn no_character_is_read_otherwise_than_by_python() {
        let names = CODECS
            .iter()
            .map(|codec| codec.names.split(' ').next_back().unwrap());
        let python = Command::new("python3")
            .args(["-c", ORACLE])
            .args(names)
            .output()
            .unwrap();
        assert!(
            python.status.success(),
            "{}",
            String::from_utf8_lossy(&python.stderr)
        );
        let answers = String::from_utf8(python.stdout).unwrap();
        let singles = (0..=255).map(|a| vec![a]);
        let units: Vec<Vec<u8>> = singles
            .chain((128..=255).flat_map(|a| (48..=255).map(move |b| vec![a, b])))
            .collect();
        assert_eq!(answers.lines().count(), CODECS.len());
        for (codec, answer) in CODECS.iter().zip(answers.lines()) {
            let mut read = 0;
            for (unit, theirs) in units.iter().zip(answer.split(' ')) {
                let Ok(ours) = codec.decode(unit) else {
                    continue;
                };
                read += 1;
                let ours: Vec<_> = ours
                    .chars()
                    .map(|c| format!("{:x}", u32::from(c)))
                    .collect();
                assert!(
                    theirs == "-" || ours.join("+") == theirs,
                    "{} {unit:x?}: {ours:?}, Python {theirs}",
                    codec.names
                );
            }
            assert!(read > 200, "{} reads only {read}", codec.names);
        }
    }

    #[test]
    fn names_are_found_as_python_finds_them() {
        for name in [
            "koi8-r",
            "KOI8_R",
            "cskoi8r",
            "Big5",
            "x-mac-trad-chinese",
            "ISO-8859-15",
            "cp1251",
            "windows-1251",
        ] {
            assert!(Codec::find(name).is_some(), "{name}");
        }
        for name in ["uft-8", "koi8", "", "-", "utf-16", "cp437"] {
            assert!(Codec::find(name).is_none(), "{name}");
        }
        assert!(is_known_elsewhere("CP437") && is_known_elsewhere("iso-2022-jp"));
        assert!(!is_known_elsewhere("uft-8") && !is_known_elsewhere("utf-16"));
    }
}
