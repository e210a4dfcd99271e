//! Native base stations, their synchronisation, and the handsets that are subscribed over them.

use std::collections::BTreeMap;

use kirkwall_core::radio::Rpn;

use super::{Board, Part, or_empty, row, row_id};
use crate::problem::Problem;
use crate::rest;
use crate::service::air as service;
use crate::site::Site;
use crate::ui::air_rows::{
    DutyForm, NativeBaseFacts, NativeBaseRow, SubscribedRow, UnknownRow, WindowState, radio_words,
};
use crate::ui::base_statistics::BaseStatistics;
use crate::ui::sync_tree::SyncTree;

/// All base stations, and who listens to whom.
pub async fn bases(site: &Site) -> Result<Board, Problem> {
    let bases = service::native_bases(site).await?;
    let tree = service::sync_tree(site).await?;
    let rows = bases.iter().map(|base| row(row_id("nb", &base.id.0), |id| NativeBaseRow::of(id, base)));
    let text = "No base station has enrolled yet. Make a token below, and type it into the base station \
                together with this switch's address.";
    let rows = or_empty(rows.collect::<Result<_, _>>()?, "native-bases-empty", 8, text)?;
    let parts = vec![
        Part { id: "native-bases", rows },
        Part { id: "sync", rows: vec![row("sync-tree".into(), |id| SyncTree::of(id, &tree))?] },
    ];
    Ok(Board { parts, total: bases.len() })
}

/// One base station.
pub async fn one_base(site: &Site, id: &str) -> Result<Board, Problem> {
    let base = service::native_base(site, id.to_owned()).await?;
    let tree = service::sync_tree(site).await?;
    let names: BTreeMap<Rpn, String> =
        tree.radios.iter().map(|place| (place.rpn, place.id.0.clone())).collect();
    let place = tree.radios.iter().find(|place| place.rpn == base.rpn);
    let alternatives = match place {
        Some(place) if tree.is_master(place.rpn) => "to nobody: it is the master".to_owned(),
        Some(place) if tree.is_heir(place.rpn) => "to nobody: it becomes master".to_owned(),
        Some(place) => {
            let words = place.alternatives.iter().map(|rpn| radio_words(&names, *rpn));
            words.map(|radio| format!("to {radio}")).collect::<Vec<_>>().join(", then ")
        }
        None => String::new(),
    };
    let without_alternative = place.is_some_and(|place| place.bare);
    let facts = row("native-base-facts".into(), |id| {
        NativeBaseFacts::of(id, &base, alternatives, without_alternative)
    })?;
    let duty = row("native-base-duty".into(), |id| DutyForm {
        id,
        duty: base.duty,
        link: rest::in_path(&base.id.0),
    })?;
    let counted = row("native-base-statistics".into(), |id| BaseStatistics::of(id, &base.statistics))?;
    let parts = vec![
        Part { id: "native-base", rows: vec![facts] },
        Part { id: "duty", rows: vec![duty] },
        Part { id: "statistics", rows: vec![counted] },
    ];
    Ok(Board { parts, total: 1 })
}

/// The window, who wants in, and who is in.
pub async fn subscriptions(site: &Site) -> Result<Board, Problem> {
    let window = service::window(site).await?;
    let handsets = service::portables(site).await?;
    let state = row("window-state".into(), |id| WindowState { id, window: &window })?;
    let unknown =
        window.unknown.iter().map(|known| row(row_id("uk", &known.ipei), |id| UnknownRow::of(id, known)));
    let nobody = "No unknown handset has asked. One that tries while it is not listed stands here, and is \
                  let in by a claim.";
    let unknown = or_empty(unknown.collect::<Result<_, _>>()?, "unknown-empty", 3, nobody)?;
    let subscribed =
        handsets.iter().map(|handset| row(row_id("pp", &handset.ipei), |id| SubscribedRow::of(id, handset)));
    let none = "No handset is subscribed yet. Open a window below.";
    let subscribed = or_empty(subscribed.collect::<Result<_, _>>()?, "subscribed-empty", 5, none)?;
    let parts = vec![
        Part { id: "window", rows: vec![state] },
        Part { id: "unknown", rows: unknown },
        Part { id: "subscribed", rows: subscribed },
    ];
    Ok(Board { parts, total: handsets.len() })
}
