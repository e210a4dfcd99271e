//! Names as they are compared: without case, accents and punctuation.

use icu_normalizer::DecomposingNormalizerBorrowed;
use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;

/// A text as it is compared: compatibility decomposition (UAX #15, NFKD), marks dropped, lower case, letters
/// that do not decompose spelt out, one blank between words.
///
/// ```
/// # use kirkwall_core::directory::fold;
/// assert_eq!(fold("Łukasz  O’Brien-Strauß"), "lukasz o brien strauss");
/// ```
pub fn fold(text: &str) -> String {
    fold_by(text, |_| None)
}

/// As [`fold`], with `ä ö ü å` as people without these keys write them: `ae oe ue aa`. None where that is
/// the same.
pub(super) fn fold_spelt(text: &str) -> Option<String> {
    let spelt = |letter| match letter {
        'ä' => Some("ae"),
        'ö' => Some("oe"),
        'ü' => Some("ue"),
        'å' => Some("aa"),
        _ => None,
    };
    let folded = fold_by(text, spelt);
    (folded != fold(text)).then_some(folded)
}

fn fold_by(text: &str, first: impl Fn(char) -> Option<&'static str>) -> String {
    let marks = CanonicalCombiningClassMapBorrowed::new();
    let mut folded = String::with_capacity(text.len());
    let mut word_ended = false;
    // Lower case first: the table of special letters then needs one case only.
    let composed = icu_normalizer::ComposingNormalizerBorrowed::new_nfc().normalize(text).to_lowercase();
    let mut spelt = String::with_capacity(composed.len());
    for letter in composed.chars() {
        match first(letter).or_else(|| undecomposed(letter)) {
            Some(letters) => spelt.push_str(letters),
            None => spelt.push(letter),
        }
    }
    for letter in DecomposingNormalizerBorrowed::new_nfkd().normalize(&spelt).chars() {
        if marks.get_u8(letter) != 0 {
            continue;
        }
        if !letter.is_alphanumeric() {
            word_ended = !folded.is_empty();
            continue;
        }
        if std::mem::take(&mut word_ended) {
            folded.push(' ');
        }
        folded.extend(letter.to_lowercase());
    }
    folded
}

/// Letters that Unicode does not decompose and that people type without their strokes.
fn undecomposed(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ħ' => "h",
        'ı' => "i",
        'ŋ' => "n",
        'ŧ' => "t",
        'ς' => "σ",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_accents_and_punctuation_do_not_count() {
        assert_eq!(fold("  Dr. Jürgen MÜLLER-Lüdenscheidt "), "dr jurgen muller ludenscheidt");
        assert_eq!(fold("Žofie Dvořáková"), "zofie dvorakova");
        assert_eq!(fold("Nguyễn Văn Đức"), "nguyen van duc");
        assert_eq!(fold("ÅSE Sørensen"), "ase sorensen");
        assert_eq!(fold("İpek Işık"), "ipek isik");
    }

    #[test]
    fn other_scripts_are_folded_as_well() {
        assert_eq!(fold("Ёлкина"), "елкина");
        assert_eq!(fold("Γιώργος"), "γιωργοσ");
        assert_eq!(fold("田中 太郎"), "田中 太郎");
    }

    #[test]
    fn composed_and_decomposed_are_the_same() {
        assert_eq!(fold("Mu\u{308}ller"), fold("Müller"));
        assert_eq!(fold_spelt("Mu\u{308}ller").as_deref(), Some("mueller"));
        assert_eq!(fold_spelt("Muller"), None);
    }

    #[test]
    fn nothing_to_compare_is_empty() {
        assert_eq!(fold(" -.- "), "");
        assert_eq!(fold("\u{301}\u{301}"), "");
    }
}
