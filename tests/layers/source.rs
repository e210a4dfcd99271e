//! A source file as the rules see it: its code without comments and texts, and the paths in it.

use std::path::Path;

/// One file.
pub struct Source {
    /// From the root of the repository.
    pub file: String,
    /// Module path inside its crate.
    pub module: Vec<String>,
    /// Whether it is compiled for tests only.
    pub is_test: bool,
    text: String,
    /// The text, comments and string literals blanked out.
    code: String,
}

/// All sources below `folder`. `src` is the executable alone, without the crate inside it.
pub fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    collect(&root, &root, folder, &mut found);
    let for_tests: Vec<_> = found.iter().flat_map(Source::test_modules).collect();
    for source in &mut found {
        source.is_test |= for_tests.iter().any(|module| source.module.starts_with(module));
    }
    found.sort_by(|a, b| a.file.cmp(&b.file));
    found
}

fn collect(root: &Path, at: &Path, folder: &str, found: &mut Vec<Source>) {
    for entry in std::fs::read_dir(at).unwrap() {
        let path = entry.unwrap().path();
        let inside = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            if inside != "target" && !(folder == "src" && inside == "core") {
                collect(root, &path, folder, found);
            }
        } else if let Some(stem) = inside.strip_suffix(".rs") {
            let mut module: Vec<String> = stem.split('/').map(str::to_owned).collect();
            if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
                module.pop();
            }
            let outside =
                |part: &String| matches!(part.as_str(), "tests" | "benches" | "examples" | "torture");
            let is_test = module.iter().any(outside);
            let text = std::fs::read_to_string(&path).unwrap();
            let code = without_comments(&text);
            found.push(Source { file: format!("{folder}/{inside}"), module, is_test, text, code });
        }
    }
}

impl Source {
    /// Every path, from its first segment; `super` becomes `crate` where it leads to the crate's root.
    pub fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        for statement in self.code.split("use ").skip(1) {
            let tree: String = statement.split(';').next().unwrap_or_default().split_whitespace().collect();
            open_braces("", &tree, &mut paths);
        }
        paths.extend(plain_paths(&self.code));
        paths.iter_mut().for_each(|path| *path = self.path_from_root(path));
        paths.sort();
        paths.dedup();
        paths
    }

    fn path_from_root(&self, path: &str) -> String {
        let mut rest = path;
        let mut levels = 0;
        while let Some(after) = rest.strip_prefix("super::") {
            (rest, levels) = (after, levels + 1);
        }
        if levels > 0 && levels >= self.module.len() { format!("crate::{rest}") } else { path.to_owned() }
    }

    /// Whether it lies beside the crate's modules: an integration test, bench or example.
    pub fn stands_outside(&self) -> bool {
        matches!(self.module.first().map(String::as_str), Some("tests" | "benches" | "examples"))
    }

    pub fn code_without_tests(&self) -> &str {
        without_tests(&self.code)
    }

    pub fn lines_without_tests(&self) -> usize {
        without_tests(&self.text).lines().count()
    }

    /// The modules that this file declares for tests alone: `#[cfg(test)] mod name;`.
    fn test_modules(&self) -> impl Iterator<Item = Vec<String>> + '_ {
        let names =
            self.code.split(FOR_TESTS).skip(1).filter_map(|rest| rest.lines().next()?.strip_suffix(';'));
        names.map(|name| self.module.iter().cloned().chain([name.to_owned()]).collect())
    }

    pub fn says_word(&self, word: &str) -> bool {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        self.code.split(|c| !is_part(c)).any(|found| found == word)
    }
}

const FOR_TESTS: &str = "#[cfg(test)]\nmod ";

/// The text up to its tests, when they stand in the same file.
fn without_tests(text: &str) -> &str {
    let mut starts = text.match_indices(FOR_TESTS).map(|(at, _)| at);
    let end =
        starts.find(|at| text[at + FOR_TESTS.len()..].lines().next().is_some_and(|line| line.ends_with('{')));
    &text[..end.unwrap_or(text.len())]
}

/// `a::{b, c::{d}}` becomes `a::b` and `a::c::d`.
fn open_braces(before: &str, tree: &str, paths: &mut Vec<String>) {
    let Some(open) = tree.find('{') else {
        return paths.push(format!("{before}{tree}"));
    };
    let before = format!("{before}{}", &tree[..open]);
    let (mut depth, mut start) = (0, open + 1);
    for (at, c) in tree.char_indices().skip(open) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if (c == ',' && depth == 1) || (c == '}' && depth == 0) {
            if start < at {
                open_braces(&before, &tree[start..at], paths);
            }
            start = at + 1;
        }
        if c == '}' && depth == 0 {
            return;
        }
    }
}

/// Every `a::b…` in the code.
fn plain_paths(code: &str) -> impl Iterator<Item = String> + '_ {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let words = code.split(move |c| !is_part(c));
    words.filter(|word| word.contains("::")).map(|word| word.trim_matches(':').to_owned())
}

/// Blanks out `// …`, `/* … */` and what stands in quotes, keeping lines where they are.
fn without_comments(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(hashes) = raw_string(rest) {
            let end = format!("\"{}", "#".repeat(hashes));
            let body = hashes + 2;
            rest[body..].find(&end).map_or(rest.len(), |at| body + at + end.len())
        } else if c == '"' {
            string_end(rest)
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\") {
            1 + rest[1..].char_indices().skip(1).find(|(_, c)| *c == '\'').map_or(0, |(at, _)| at + 1)
        } else {
            code.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        let blank = rest[..skipped].chars().filter(|c| *c == '\n');
        code.push(' ');
        code.extend(blank);
        rest = &rest[skipped..];
    }
    code
}

/// How many `#` a raw string that starts here has.
fn raw_string(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then_some(hashes)
}

fn string_end(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(file: &str, text: &str) -> Source {
        let module = file.split('/').map(str::to_owned).collect();
        Source { file: file.into(), module, is_test: false, text: text.into(), code: without_comments(text) }
    }

    #[test]
    fn paths_are_found_in_use_trees_and_in_code_but_not_in_comments_or_texts() {
        let text = "use a::{b, c::{d as e, self}};\n// f::g\nfn h() { let x = r#\"i::j\"#; k::l(\"m::n\", '\"'); o::p }\n";
        let paths = source("x", text).paths();
        for path in ["a::b", "a::c::dase", "a::c::self", "k::l", "o::p"] {
            assert!(paths.contains(&path.to_owned()), "{path} in {paths:?}");
        }
        for path in ["f::g", "i::j", "m::n"] {
            assert!(!paths.contains(&path.to_owned()), "{path} in {paths:?}");
        }
    }

    #[test]
    fn a_super_that_leads_to_the_root_is_seen_as_such() {
        assert_eq!(source("sip/dialog", "use super::super::media::Codec;").paths()[0], "crate::media::Codec");
        assert_eq!(source("sip/dialog", "use super::wire::Uri;").paths()[0], "super::wire::Uri");
    }
}
