//! Sorted lists in which a beginning is found by halving.

/// Texts with the places of their entries, sorted.
#[derive(Debug, Clone, Default)]
pub(super) struct Index(Vec<(Box<str>, u32)>);

impl Index {
    pub fn new(texts: impl IntoIterator<Item = (String, u32)>) -> Self {
        let mut texts: Vec<_> = texts.into_iter().map(|(text, at)| (text.into_boxed_str(), at)).collect();
        texts.sort_unstable();
        texts.dedup();
        texts.shrink_to_fit();
        Self(texts)
    }

    /// Places of the texts that begin with `start`; a place may come twice.
    pub fn beginning<'a>(&'a self, start: &'a str) -> impl Iterator<Item = u32> + 'a {
        self.range(start).iter().map(|(_, at)| *at)
    }

    /// How many texts begin with `start`.
    pub fn count(&self, start: &str) -> usize {
        self.range(start).len()
    }

    /// The texts that begin with `start`.
    pub fn texts<'a>(&'a self, start: &'a str) -> impl Iterator<Item = (&'a str, u32)> + 'a {
        self.range(start).iter().map(|(text, at)| (&**text, *at))
    }

    /// As [`exactly`](Self::exactly), for a text that is made for the question.
    pub fn exactly_owned(&self, text: String) -> Vec<u32> {
        self.exactly(&text).collect()
    }

    /// The one text, if it is there.
    pub fn exactly<'a>(&'a self, text: &'a str) -> impl Iterator<Item = u32> + 'a {
        self.texts(text).take_while(move |(found, _)| *found == text).map(|(_, at)| at)
    }

    fn range(&self, start: &str) -> &[(Box<str>, u32)] {
        let from = self.0.partition_point(|(text, _)| &**text < start);
        let behind = &self.0[from..];
        &behind[..behind.partition_point(|(text, _)| text.starts_with(start))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_finds_all_that_begin_so_and_no_other() {
        let index =
            Index::new([("anna".into(), 1), ("an".into(), 2), ("bert".into(), 3), ("anna".into(), 4)]);
        assert_eq!(index.beginning("an").collect::<Vec<_>>(), [2, 1, 4]);
        assert_eq!(index.exactly("an").collect::<Vec<_>>(), [2]);
        assert_eq!(index.count(""), 4);
        assert_eq!(index.count("c"), 0);
        assert_eq!(Index::default().count("a"), 0);
    }
}
