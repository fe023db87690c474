//! The settings as a page and as a file, made from the structs.

use super::overlay::{keys, sections};

/// A configuration file in which every setting stands with its default, commented out.
pub(crate) fn example() -> String {
    let mut lines: Vec<String> = Vec::new();
    for (section, says) in sections() {
        lines.extend(comment(&says));
        lines.push(format!("[{section}]"));
        for key in keys().into_iter().filter(|key| key.section == section) {
            lines.extend(comment(&key.says));
            let preset =
                if key.preset.is_null() { "\"\"".to_owned() } else { key.preset.to_string() };
            lines.push(format!("# {} = {preset}", key.name));
        }
        lines.push(String::new());
    }
    lines.join("\n")
}

fn comment(says: &str) -> Vec<String> {
    says.lines().map(|line| format!("# {}", line.trim())).collect()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::{super::overlay::Key, *};

    fn page() -> String {
        let mut page = String::from(
            "# Configuration\n\n\
             `corrente serve --config FILE` reads one TOML file. Each setting can also be given as the variable\n\
             beside it, which goes over the file; flags go over both (`corrente serve --help`). A name that is not\n\
             listed here is refused. This page is made from the program: `UPDATE=1 cargo test -p corrente settings`\n\
             writes it anew.\n",
        );
        for (section, says) in sections() {
            write!(page, "\n## [{section}]\n\n{}\n\n", says.replace('\n', " ")).unwrap();
            page.push_str("| Setting | Default | Variable | |\n|---|---|---|---|\n");
            for key in keys().into_iter().filter(|key| key.section == section) {
                writeln!(
                    page,
                    "| `{}` | {} | `{}` | {} |",
                    key.name,
                    preset(&key),
                    key.variable(),
                    key.says.replace('\n', " ").replace('|', "\\|").replace('<', "&lt;")
                )
                .unwrap();
            }
        }
        page
    }

    fn preset(key: &Key) -> String {
        if key.preset.is_null() { "none".to_owned() } else { format!("`{}`", key.preset) }
    }

    #[test]
    fn the_reference_page_is_the_structs() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
        let page = page();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, &page).unwrap();
        }
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(kept, page, "run with UPDATE=1 to write docs/configuration.md anew");
    }

    #[test]
    fn every_setting_is_described() {
        for key in keys() {
            assert!(key.says.ends_with('.'), "{} has no description", key.path());
        }
        for (section, says) in sections() {
            assert!(!says.is_empty(), "{section}");
        }
    }

    #[test]
    fn the_example_is_a_configuration() {
        let example = example();
        let settings = crate::toml_file::parse::<crate::settings::Settings>(&example).unwrap();
        assert_eq!(settings, crate::settings::Settings::default());
        let uncommented: String = example
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(set) if set.contains(" = ") && !set.ends_with("\"\"") => format!("{set}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        let settings = crate::toml_file::parse::<crate::settings::Settings>(&uncommented).unwrap();
        assert_eq!(settings, crate::settings::Settings::default());
    }
}
