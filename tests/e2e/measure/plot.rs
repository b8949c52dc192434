//! Plots the cost of a resource against the size of the stack.

use std::path::Path;

use plotters::{
    chart::ChartBuilder,
    drawing::{DrawingArea, IntoDrawingArea},
    element::Circle,
    prelude::{IntoLogRange, SVGBackend},
    series::LineSeries,
    style::{BLACK, BLUE, Color, GREEN, RED, RGBColor, WHITE},
};

use super::report::{PhaseRow, Report};
use crate::harness::Result;

/// The pixels of one panel.
const PANEL: (u32, u32) = (420, 300);

/// A panel: its title, the phase, and the value it shows.
type Panel = (&'static str, &'static str, fn(&PhaseRow) -> f64);

const PANELS: [Panel; 6] = [
    ("calls of a plan without changes", "plan, no change", |row| row.calls as f64),
    ("processor seconds of that plan", "plan, no change", |row| row.cpu),
    ("MiB of that plan", "plan, no change", |row| row.peak_mib),
    ("calls of an apply", "apply", |row| row.calls as f64),
    ("processor seconds of that apply", "apply", |row| row.cpu),
    ("MiB of that apply", "apply", |row| row.peak_mib),
];

const COLOURS: [(&str, RGBColor); 3] = [("network", BLUE), ("service", RED), ("wide", GREEN)];

/// Draws all panels into an SVG file, against the number of resources, both axes logarithmic.
pub(super) fn draw(report: &Report, file: &Path) -> Result {
    let page = SVGBackend::new(file, (PANEL.0 * 3, PANEL.1 * 2)).into_drawing_area();
    page.fill(&WHITE)?;
    for (area, panel) in page.split_evenly((2, 3)).iter().zip(PANELS) {
        draw_panel(area, &panel, &report.rows)?;
    }
    Ok(page.present()?)
}

fn draw_panel(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    (title, phase, value): &Panel,
    rows: &[PhaseRow],
) -> Result {
    let fastest = rows.iter().map(|row| row.latency_ms).min();
    let shown = rows.iter().filter(|row| row.phase == *phase && Some(row.latency_ms) == fastest);
    let points: Vec<_> = shown.map(|row| (row.shape, row.resources as f64, value(row).max(0.01))).collect();
    let range = |of: fn(&(&str, f64, f64)) -> f64| {
        let (least, most) = points.iter().map(of).fold((f64::MAX, 0.0_f64), |(a, b), at| (a.min(at), b.max(at)));
        least * 0.7..most * 1.5
    };
    if points.is_empty() {
        return Ok(());
    }
    let mut chart = ChartBuilder::on(area)
        .caption(*title, ("sans-serif", 16))
        .margin(12)
        .x_label_area_size(28)
        .y_label_area_size(52)
        .build_cartesian_2d(range(|at| at.1).log_scale(), range(|at| at.2).log_scale())?;
    chart.configure_mesh().x_desc("resources").light_line_style(WHITE).draw()?;
    for (shape, colour) in COLOURS {
        let line: Vec<_> = points.iter().filter(|at| at.0 == shape).map(|at| (at.1, at.2)).collect();
        let dots = line.iter().map(|&at| Circle::new(at, 3, colour.filled()));
        chart.draw_series(dots)?;
        let series = chart.draw_series(LineSeries::new(line.clone(), colour))?;
        series.label(shape).legend(move |at| Circle::new(at, 4, colour.filled()));
    }
    chart.configure_series_labels().background_style(WHITE).border_style(BLACK).draw()?;
    Ok(())
}
