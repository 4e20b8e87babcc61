package report

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Markdown writes the report as a page, which begins with what is not as it should be.
func (r *Report) Markdown(out io.Writer) error {
	page := &page{}
	page.line("# Facet beside its peers")
	page.line("")
	page.verdict(r.Goals)
	page.failures(r)
	page.busy(r.Environment)
	page.environment(r)
	page.goals(r.Goals)
	for i := range r.Workloads {
		if w := &r.Workloads[i]; w.Rate > 0 {
			page.latency(w)
		} else {
			page.saturation(w)
		}
	}
	page.figures(r.Figures)
	page.peers(r.Peers)
	page.notMeasured(r.NotMeasured)
	_, err := io.WriteString(out, page.text.String())
	return err
}

// page is Markdown that is being written.
type page struct {
	text strings.Builder
}

func (p *page) line(format string, arguments ...any) {
	fmt.Fprintf(&p.text, format+"\n", arguments...)
}

// row writes one row of a table.
func (p *page) row(cells ...string) {
	p.line("| %s |", strings.Join(cells, " | "))
}

// header writes the head of a table. The first column is text, the others are numbers.
func (p *page) header(cells ...string) {
	p.row(cells...)
	p.line("|---|%s", strings.Repeat("---:|", len(cells)-1))
}

func (p *page) verdict(goals []Goal) {
	var missed []Goal
	measured := 0
	for _, goal := range goals {
		if goal.Ratio != nil {
			measured++
		}
		if goal.Missed() {
			missed = append(missed, goal)
		}
	}
	if len(missed) == 0 {
		p.line("All %d goals that were measured are met; %d were not measured.", measured, len(goals)-measured)
		p.line("")
		return
	}
	p.line("**%d of %d goals are missed:**", len(missed), measured)
	p.line("")
	for _, goal := range missed {
		text := fmt.Sprintf("- %s: at most %.3f, is %.3f.", goal.Title, goal.AtMost, goal.Ratio.Median)
		if goal.Profile != "" {
			text += fmt.Sprintf(" [Where the time goes](%s).", goal.Profile)
		}
		p.line("%s", text)
	}
	p.line("")
}

// failures tells, before any figure, which of them are missing.
func (p *page) failures(r *Report) {
	failures := r.failures()
	if len(failures) == 0 {
		return
	}
	p.line("**WARNING: not all was measured:**")
	p.line("")
	for _, failure := range failures {
		p.line("- %s", strings.ReplaceAll(strings.TrimSpace(failure), "\n", "\n  "))
	}
	p.line("")
}

// failures returns why a peer is missing, a sentence for each reason.
func (r *Report) failures() []string {
	var failures []string
	for _, peer := range r.Peers {
		if peer.Failure != "" {
			failures = append(failures, fmt.Sprintf("%s: %s", peer.Name, peer.Failure))
		}
	}
	type reason struct{ variant, failure string }
	var reasons []reason
	workloads := map[reason][]string{}
	for _, workload := range r.Workloads {
		for _, variant := range workload.Variants {
			if variant.Failure == "" {
				continue
			}
			why := reason{variant.Name, variant.Failure}
			if workloads[why] == nil {
				reasons = append(reasons, why)
			}
			workloads[why] = append(workloads[why], workload.Name)
		}
	}
	for _, why := range reasons {
		failures = append(failures, fmt.Sprintf("%s in %s: %s", why.variant, strings.Join(workloads[why], ", "), why.failure))
	}
	return failures
}

// busy warns of figures that were measured beside the work of others.
func (p *page) busy(e Environment) {
	const quiet = 0.5 // of the cores
	if e.Load > quiet*float64(e.Cores) {
		p.line("**WARNING: the machine was not quiet:** before the run %.1f threads wanted its %d cores. Latencies say little then, and ratios less.", e.Load, e.Cores)
		p.line("")
	}
}

// environmentText says where and how it was measured.
const environmentText = `%s, in %v, on %s, %d cores, Linux %s, %s%s. Every gateway, the services behind it and the load have processes of their
own and share the cores; everything is on loopback. Times by themselves say little; a ratio of the same round does. Gateways take turns, %d rounds of
%v over %d connections unless said otherwise, and are compared round by round. Figures are medians, with the 10th and the 90th percentile of the
rounds in parentheses. Garbage collectors are as they come.

To make this page: ` + "`make bench`" + `, on a quiet machine. [How it is measured](../README.md).

![CPU time of a request, as a multiple of Facet's](latest.svg)

`

func (p *page) environment(r *Report) {
	e, s := r.Environment, r.Settings
	node := ""
	if e.Node != "" {
		node = ", Node " + e.Node
	}
	fmt.Fprintf(&p.text, environmentText, r.Date, s.Elapsed.Round(time.Second), e.CPU, e.Cores, e.Kernel, e.Go, node, s.Rounds, s.Round, s.Connections)
}

func (p *page) goals(goals []Goal) {
	if len(goals) == 0 {
		return
	}
	p.line("## Goals")
	p.line("")
	p.header("goal", "at most", "is", "")
	for _, goal := range goals {
		is, word := "not measured", ""
		if goal.Ratio != nil {
			is, word = spread(*goal.Ratio, thousandths), "met"
		}
		if goal.Missed() {
			word = "**missed**"
		}
		p.row(goal.Title, thousandths(goal.AtMost), is, word)
	}
	p.line("")
}

// saturation writes what a closed loop has measured.
func (p *page) saturation(w *Workload) {
	p.title(w)
	reply, request := "reply", "request"
	if w.Streams > 0 {
		reply, request = "message", "message"
	}
	p.header("gateway", reply, "CPU a "+request+", µs", "x "+w.Variants[0].Name, request+"s/s", "memory, peak")
	for i := range w.Variants {
		v := &w.Variants[i]
		if len(v.Rounds) == 0 {
			p.row(v.Name, "not measured", "", "", "", "")
			continue
		}
		cpu := v.Spread(func(r Round) float64 { return r.CPU })
		perSecond := v.Spread(func(r Round) float64 { return r.PerSecond })
		p.row(v.Name, bytesText(float64(v.ReplyBytes)), spread(cpu, whole), p.ratio(w, CPU, v), whole(perSecond.Median), bytesText(float64(v.Peak)))
	}
	p.line("")
}

// latency writes what an open loop has measured.
func (p *page) latency(w *Workload) {
	p.title(w)
	p.header("gateway", "p50, µs", "p90, µs", "p99, µs", "p99, x "+w.Variants[0].Name, "CPU a request, µs", "load late, µs")
	for i := range w.Variants {
		v := &w.Variants[i]
		if len(v.Rounds) == 0 {
			p.row(v.Name, "not measured", "", "", "", "", "")
			continue
		}
		p.row(v.Name,
			whole(v.Spread(func(r Round) float64 { return r.P50 }).Median),
			whole(v.Spread(func(r Round) float64 { return r.P90 }).Median),
			spread(v.Spread(func(r Round) float64 { return r.P99 }), whole),
			p.ratio(w, P99, v),
			whole(v.Spread(func(r Round) float64 { return r.CPU }).Median),
			whole(v.Spread(func(r Round) float64 { return r.Late }).Median))
	}
	p.line("")
}

func (p *page) title(w *Workload) {
	p.line("## %s", w.Title)
	p.line("")
	p.line("%s", w.About)
	if w.Rate > 0 {
		p.line("%d requests per second, whether or not they are answered; latency is counted from when a request was due.", w.Rate)
	}
	if w.Streams > 0 {
		p.line("%d streams are open at once.", w.Streams)
	}
	var short []string
	for _, v := range w.Variants {
		if v.Short {
			short = append(short, v.Name)
		}
	}
	if len(short) > 0 {
		p.line("Rounds of %s are half as long.", strings.Join(short, ", "))
	}
	p.line("")
}

// ratio returns how a variant compares with the first one of the workload.
func (p *page) ratio(w *Workload, metric Metric, v *Variant) string {
	compared := w.Ratio(metric, v.Name, w.Variants[0].Name)
	if compared == nil {
		return "not measured"
	}
	return spread(*compared, ratio)
}

func (p *page) figures(figures []Figure) {
	if len(figures) == 0 {
		return
	}
	p.line("## Memory and time to start")
	p.line("")
	p.line("| what | value | how |")
	p.line("|---|---:|---|")
	for _, figure := range figures {
		value := whole(figure.Value) + " " + figure.Unit
		if figure.Unit == "bytes" {
			value = bytesText(figure.Value)
		}
		p.row(figure.Title, value, figure.How)
	}
	p.line("")
}

func (p *page) peers(peers []Peer) {
	p.line("## Who takes part")
	p.line("")
	p.line("| gateway | what it stands for | versions |")
	p.line("|---|---|---|")
	for _, peer := range peers {
		p.row(peer.Name, peer.About, strings.Join(peer.Versions, ", "))
	}
	p.line("")
}

func (p *page) notMeasured(sentences []string) {
	p.line("## What is not measured")
	p.line("")
	for _, sentence := range sentences {
		p.line("- %s", sentence)
	}
}

// spread writes a median with its percentiles.
func spread(s Spread, number func(float64) string) string {
	return fmt.Sprintf("%s (%s-%s)", number(s.Median), number(s.P10), number(s.P90))
}

func ratio(value float64) string { return fmt.Sprintf("%.2f", value) }

// thousandths writes a ratio that is compared with a limit: two decimals could look equal where they are not.
func thousandths(value float64) string { return fmt.Sprintf("%.3f", value) }

// whole writes a number without decimals, thousands apart.
func whole(value float64) string {
	digits := fmt.Sprintf("%.0f", value)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// bytesText writes a number of bytes with the unit that suits it.
func bytesText(value float64) string {
	switch {
	case value >= 10<<20:
		return fmt.Sprintf("%.0f MB", value/(1<<20))
	case value >= 1<<20:
		return fmt.Sprintf("%.1f MB", value/(1<<20))
	case value >= 1<<10:
		return fmt.Sprintf("%.1f KB", value/(1<<10))
	default:
		return fmt.Sprintf("%.0f B", value)
	}
}
