package script

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// FuzzParse: any script is taken apart or refused with the line where it is
// wrong, and a step that is told as it was written is the same step.
func FuzzParse(f *testing.F) {
	scripts, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(scripts) == 0 {
		f.Fatalf("no scripts: %v", err)
	}
	for _, path := range scripts {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for part := range strings.SplitSeq(string(text), "\n\n") { // what is short is quick to vary
			f.Add(part)
		}
	}
	f.Add("! ! run 'x\n\\\n#\n run\t\"a b\"c &")
	f.Fuzz(func(t *testing.T, text string) {
		steps, err := Parse("x.txt", strings.NewReader(text))
		if err != nil {
			if message := err.Error(); !strings.Contains(message, "x.txt") {
				t.Errorf("where is it wrong: %s", message)
			}
			return
		}
		for _, s := range steps {
			again, err := Parse("y.txt", strings.NewReader(s.Text))
			if err != nil || len(again) != 1 || again[0].Text != s.Text || again[0].Fail != s.Fail {
				t.Errorf("line %d, %q, is %+v: %v", s.Line, s.Text, again, err)
			}
			if lines := strings.Split(text, "\n"); s.Line < 1 || s.Line > len(lines) || !strings.Contains(lines[s.Line-1], s.Text) {
				t.Errorf("%q is not in line %d", s.Text, s.Line)
			}
		}
	})
}

// FuzzSplit: words that are quoted are those that come out again.
func FuzzSplit(f *testing.F) {
	f.Add("a", "b c")
	f.Add("", "#'\"\\")
	f.Add("it's", "é\t")
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, word := range []string{a, b} {
			if strings.ToValidUTF8(word, "") != word {
				return
			}
		}
		quote := func(s string) string { return `'` + strings.ReplaceAll(s, `'`, `'"'"'`) + `'` }
		words, err := split(quote(a) + " " + quote(b) + " # comment")
		if err != nil || !slices.Equal(words, []string{a, b}) {
			t.Errorf("%q %q are %q: %v", a, b, words, err)
		}
	})
}
