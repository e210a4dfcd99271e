//! Letters of other scripts as those of IA5, for displays that have no others: Cyrillic as in passports (ICAO Doc
//! 9303-3, clause 6), Greek by ELOT 743 letter by letter. Marks are taken off before.

/// A letter of IA5 or several, in place of one that a display lacks. None: there is no table for its script.
pub(super) fn latin(letter: char) -> Option<&'static str> {
    TABLE.iter().find(|(of, _)| *of == letter).map(|(_, latin)| *latin)
}

#[rustfmt::skip]
const TABLE: [(char, &str); 129] = [
    ('А', "A"), ('Б', "B"), ('В', "V"), ('Г', "G"), ('Д', "D"), ('Е', "E"), ('Ж', "Zh"), ('З', "Z"), ('И', "I"),
    ('К', "K"), ('Л', "L"), ('М', "M"), ('Н', "N"), ('О', "O"), ('П', "P"), ('Р', "R"), ('С', "S"), ('Т', "T"),
    ('У', "U"), ('Ф', "F"), ('Х', "Kh"), ('Ц', "Ts"), ('Ч', "Ch"), ('Ш', "Sh"), ('Щ', "Shch"), ('Ъ', "Ie"),
    ('Ы', "Y"), ('Ь', ""), ('Э', "E"), ('Ю', "Iu"), ('Я', "Ia"), ('І', "I"), ('Є', "Ie"), ('Ґ', "G"), ('Ђ', "D"),
    ('Ј', "J"), ('Љ', "Lj"), ('Њ', "Nj"), ('Ћ', "C"), ('Џ', "Dz"),
    ('а', "a"), ('б', "b"), ('в', "v"), ('г', "g"), ('д', "d"), ('е', "e"), ('ж', "zh"), ('з', "z"), ('и', "i"),
    ('к', "k"), ('л', "l"), ('м', "m"), ('н', "n"), ('о', "o"), ('п', "p"), ('р', "r"), ('с', "s"), ('т', "t"),
    ('у', "u"), ('ф', "f"), ('х', "kh"), ('ц', "ts"), ('ч', "ch"), ('ш', "sh"), ('щ', "shch"), ('ъ', "ie"),
    ('ы', "y"), ('ь', ""), ('э', "e"), ('ю', "iu"), ('я', "ia"), ('і', "i"), ('є', "ie"), ('ґ', "g"), ('ђ', "d"),
    ('ј', "j"), ('љ', "lj"), ('њ', "nj"), ('ћ', "c"), ('џ', "dz"),
    ('Α', "A"), ('Β', "V"), ('Γ', "G"), ('Δ', "D"), ('Ε', "E"), ('Ζ', "Z"), ('Η', "I"), ('Θ', "Th"), ('Ι', "I"),
    ('Κ', "K"), ('Λ', "L"), ('Μ', "M"), ('Ν', "N"), ('Ξ', "X"), ('Ο', "O"), ('Π', "P"), ('Ρ', "R"), ('Σ', "S"),
    ('Τ', "T"), ('Υ', "Y"), ('Φ', "F"), ('Χ', "Ch"), ('Ψ', "Ps"), ('Ω', "O"),
    ('α', "a"), ('β', "v"), ('γ', "g"), ('δ', "d"), ('ε', "e"), ('ζ', "z"), ('η', "i"), ('θ', "th"), ('ι', "i"),
    ('κ', "k"), ('λ', "l"), ('μ', "m"), ('ν', "n"), ('ξ', "x"), ('ο', "o"), ('π', "p"), ('ρ', "r"), ('σ', "s"),
    ('ς', "s"), ('τ', "t"), ('υ', "y"), ('φ', "f"), ('χ', "ch"), ('ψ', "ps"), ('ω', "o"),
];

#[cfg(test)]
mod tests {
    use super::super::ss::characters;
    use super::latin;

    #[test]
    fn names_in_cyrillic_and_greek_can_be_read_on_any_display() {
        let shown = |text| String::from_utf8(characters(text)).unwrap();
        assert_eq!(shown("Елкина Пётр Щукин"), "Elkina Petr Shchukin");
        assert_eq!(shown("Γιώργος Αλεξίου"), "Giorgos Alexioy");
        assert_eq!(shown("Ђорђе Ћирић"), "Dorde Ciric");
        assert_eq!(shown("田中"), "??", "there is no letter for these");
    }

    #[test]
    fn no_letter_stands_twice() {
        for (index, (letter, shown)) in super::TABLE.iter().enumerate() {
            let first = super::TABLE.iter().position(|(other, _)| other == letter);
            assert_eq!(first, Some(index), "{letter}");
            assert!(shown.is_ascii() && latin(*letter) == Some(*shown));
        }
    }
}
