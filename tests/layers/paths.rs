//! Which paths a piece of code names.

/// Every path in the code that begins with `root::`, groups taken apart: `crate::{a, b::{c, d}}` is
/// `a`, `b c` and `b d`. Comments and the insides of strings are no code.
pub(crate) fn paths_from(root: &str, text: &str) -> Vec<Vec<String>> {
    let tokens = tokens(text);
    let mut paths = Vec::new();
    for at in 0..tokens.len() {
        let begins = tokens[at] == root && tokens.get(at + 1).is_some_and(|next| next == "::");
        let continues = at > 0 && tokens[at - 1] == "::";
        if begins && !continues {
            tree(&tokens, at + 2, &[], &mut paths);
        }
    }
    paths
}

/// Reads one branch of a tree of paths from token `at`, and gives the place after it.
fn tree(tokens: &[String], mut at: usize, trunk: &[String], paths: &mut Vec<Vec<String>>) -> usize {
    let mut path = trunk.to_vec();
    while let Some(token) = tokens.get(at) {
        if token == "{" {
            at += 1;
            while tokens.get(at).is_some_and(|token| token != "}") {
                at = tree(tokens, at, &path, paths);
                // What is left of the branch is passed over: `*`, `as name`.
                let rest = tokens[at..].iter().take_while(|token| !matches!(token.as_str(), "," | "}"));
                at += rest.count();
                at += usize::from(tokens.get(at).is_some_and(|token| token == ","));
            }
            return at + 1;
        }
        if !is_name(token) {
            break;
        }
        path.push(token.clone());
        at += 1;
        if tokens.get(at).is_none_or(|next| next != "::") {
            break;
        }
        at += 1;
    }
    if path.len() > trunk.len() {
        paths.push(path);
    }
    at
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Names, `::` and single signs, in order.
fn tokens(text: &str) -> Vec<String> {
    let code: Vec<char> = without_comments_and_strings(text).chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < code.len() {
        let length = code[at..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').count();
        if length > 0 {
            tokens.push(code[at..at + length].iter().collect());
            at += length;
        } else if code[at..].starts_with(&[':', ':']) {
            tokens.push("::".to_owned());
            at += 2;
        } else {
            if !code[at].is_whitespace() {
                tokens.push(code[at].to_string());
            }
            at += 1;
        }
    }
    tokens
}

fn without_comments_and_strings(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::new();
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        let skipped = if rest.starts_with(&['/', '/']) {
            rest.iter().take_while(|c| **c != '\n').count()
        } else if rest[0] == '"' {
            string(rest)
        } else if rest[0] == 'r' && matches!(rest.get(1), Some('"' | '#')) && !ends_in_name(&code) {
            raw_string(rest)
        } else if rest[0] == '\'' {
            character(rest)
        } else {
            0
        };
        if skipped == 0 {
            code.push(rest[0]);
            at += 1;
        } else {
            code.push(' ');
            at += skipped;
        }
    }
    code
}

fn ends_in_name(code: &str) -> bool {
    code.ends_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// Length of the string literal at the start.
fn string(rest: &[char]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != '"' {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// Length of the raw string at the start; 0 where it is none (`r#type`).
fn raw_string(rest: &[char]) -> usize {
    let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return 0;
    }
    let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let body = &rest[2 + hashes..];
    let length = body.windows(end.len()).position(|window| window == end).unwrap_or(body.len());
    2 + hashes + length + end.len()
}

/// Length of the character literal at the start; 0 where it is a lifetime.
fn character(rest: &[char]) -> usize {
    if rest.get(1) == Some(&'\\') {
        2 + rest[2..].iter().skip(1).take_while(|c| **c != '\'').count() + 2
    } else if rest.get(2) == Some(&'\'') {
        3
    } else {
        0
    }
}
