package report

import (
	"fmt"
	"html"
	"io"
	"strings"
)

// Measures of the chart, in pixels.
const (
	chartWidth  = 760
	labelWidth  = 150
	barHeight   = 18
	barGap      = 5
	groupHead   = 38
	chartMargin = 20
	chartTop    = 44
	valueWidth  = 60
	breakWidth  = 6
)

// longestBar is the multiple of Facet's beyond which a bar is broken: one gateway that takes a hundred times as much would
// make all the others look alike.
const longestBar = 10.0

// chartStyle suits pages that are light and dark.
const chartStyle = `<style>
text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #24292f }
.title { font-size: 16px; font-weight: 600 }
.group { font-weight: 600 }
.ours { fill: #0969da }
.theirs { fill: #8c959f }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .ours { fill: #4493f8 }
  .theirs { fill: #6e7681 }
}
</style>
`

// group is the bars of one workload.
type group struct {
	title string
	bars  []bar
}

// bar is one gateway.
type bar struct {
	name  string
	value float64 // 1 is as much as Facet
}

// Chart writes the processor time of a request as an SVG, as multiples of Facet's.
func (r *Report) Chart(out io.Writer) error {
	groups := r.groups()
	longest, height := 1.0, chartTop
	for _, g := range groups {
		height += groupHead + len(g.bars)*(barHeight+barGap)
		for _, b := range g.bars {
			longest = min(max(longest, b.value), longestBar)
		}
	}
	var svg strings.Builder
	height += chartMargin
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="title">`+"\n",
		chartWidth, height, chartWidth, height)
	const title = "CPU time of a request, as a multiple of Facet's: less is better"
	svg.WriteString(`<title id="title">` + html.EscapeString(title) + "</title>\n" + chartStyle)
	text(&svg, chartMargin, chartMargin+8, "title", title)
	y := chartTop
	scale := float64(chartWidth-labelWidth-valueWidth-2*chartMargin) / longest
	for _, g := range groups {
		text(&svg, chartMargin, y+groupHead-14, "group", g.title)
		y += groupHead
		for i, b := range g.bars {
			drawBar(&svg, y, b, scale, i == 0)
			y += barHeight + barGap
		}
	}
	svg.WriteString("</svg>\n")
	_, err := io.WriteString(out, svg.String())
	return err
}

// groups returns what the chart shows.
func (r *Report) groups() []group {
	var groups []group
	for i := range r.Workloads {
		w := &r.Workloads[i]
		if !w.Chart {
			continue
		}
		g := group{title: w.Title}
		for _, v := range w.Variants {
			if compared := w.Ratio(CPU, v.Name, w.Variants[0].Name); compared != nil {
				g.bars = append(g.bars, bar{v.Name, compared.Median})
			}
		}
		if len(g.bars) > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}

func drawBar(svg *strings.Builder, y int, b bar, scale float64, ours bool) {
	class := "theirs"
	if ours {
		class = "ours"
	}
	width := max(min(b.value, longestBar)*scale, 1)
	left := chartMargin + labelWidth
	text(svg, chartMargin, y+barHeight-5, "", b.name)
	if b.value > longestBar {
		end := width / 10 // what is seen behind the break
		rect(svg, class, float64(left), y, width-end-breakWidth)
		rect(svg, class, float64(left)+width-end, y, end)
	} else {
		rect(svg, class, float64(left), y, width)
	}
	text(svg, left+int(width)+6, y+barHeight-5, "", fmt.Sprintf("%.2f", b.value))
}

func rect(svg *strings.Builder, class string, x float64, y int, width float64) {
	fmt.Fprintf(svg, `<rect class=%q x="%.1f" y="%d" width="%.1f" height="%d"/>`+"\n", class, x, y, width, barHeight)
}

func text(svg *strings.Builder, x, y int, class, content string) {
	if class != "" {
		class = fmt.Sprintf(" class=%q", class)
	}
	fmt.Fprintf(svg, `<text%s x="%d" y="%d">%s</text>`+"\n", class, x, y, html.EscapeString(content))
}
