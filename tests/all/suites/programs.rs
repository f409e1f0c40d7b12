//! Programs of the WASI test suite: run with what the file beside them says, recorded.

use super::commands;
use super::report::Report;
use serde_json::Value;
use std::path::Path;

/// Records a program and tries its recording; services, and programs that a peer of their
/// own speaks with, are left out.
pub fn run(file: &Path, dir: &Path, report: &mut Report) {
    let setting: Value = std::fs::read(file.with_extension("json"))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    let operations = setting["operations"].as_array();
    let kind = |operation: &Value| operation["type"].as_str().unwrap_or_default().to_owned();
    let alone = operations.is_none_or(|all| {
        all.iter()
            .all(|operation| ["run", "wait", "read", "write"].contains(&kind(operation).as_str()))
    });
    if setting["world"].is_string() || !alone {
        return report.unreadable(file, "a service, or one that is spoken with");
    }
    report.file();
    let find = |kind_of: &str| operations.and_then(|all| all.iter().find(|o| kind(o) == kind_of));
    let start = find("run").unwrap_or(&setting);
    let end = find("wait").unwrap_or(&setting);
    let input: String = operations
        .into_iter()
        .flatten()
        .filter(|operation| kind(operation) == "write")
        .filter_map(|operation| operation["payload"].as_str())
        .collect();

    let mut options: Vec<String> = ["http", "inherit-network"]
        .iter()
        .flat_map(|switch| ["-S".to_owned(), (*switch).to_owned()])
        .collect();
    for (name, value) in start["env"].as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        options.extend(["--env".to_owned(), format!("{name}={value}")]);
    }
    if let Some(root) = start["root"].as_str() {
        // A copy, as programs write there, and each must find it as it was.
        let copy = dir.join("root");
        _ = std::fs::remove_dir_all(&copy);
        copy_folder(&file.with_file_name(root), &copy);
        options.extend(["--dir".to_owned(), format!("{}::/", copy.display())]);
    }
    let arguments = start["args"].as_array().into_iter().flatten();
    let arguments: Vec<&str> = arguments.filter_map(Value::as_str).collect();

    let trace = dir.join("program.rrtrace");
    let said = commands::record_program(file, &options, &arguments, &input, &trace);
    let place = file.display().to_string();
    let expected = end["exit_code"].as_i64().unwrap_or(0);
    if said.status.map(i64::from) != Some(expected) {
        report.unexpected(&place, &format!("{:?}, not {expected}", said.status));
    }
    report.recorded(1);
    report.said(&place, &[said]);
    report.said(&place, &commands::all(&trace));
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).into_iter().flatten().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
