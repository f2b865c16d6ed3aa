import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compileTemplate, executeTemplate } from './execute.ts';
import { createRow } from './row.ts';

const data = {
  Name: '/web',
  Count: 3,
  On: true,
  Off: false,
  Nothing: null,
  Tags: ['a', 'b'],
  Labels: { b: '2', a: '1' },
  State: { Status: 'running', Pid: 42 },
  Ports: { '80/tcp': [{ HostPort: '8080' }], '90/tcp': null },
};

const run = (source: string) => executeTemplate(compileTemplate(source), data);

describe('what templates print', () => {
  const rows: [template: string, expected: string][] = [
    ['plain', 'plain'],
    ['{{.Name}}-{{.State.Status}}', '/web-running'],
    ['{{ .Count }}', '3'],
    ['{{.Tags}} {{.Labels}}', '[a b] map[a:1 b:2]'],
    ['{{.Nothing}}', '<nil>'],
    ['{{if .On}}y{{else}}n{{end}}{{if .Off}}y{{else if .Count}}z{{else}}n{{end}}', 'yz'],
    ['{{if not .Nothing}}none{{end}}', 'none'],
    ['{{range .Tags}}<{{.}}>{{end}}', '<a><b>'],
    ['{{range $i, $t := .Tags}}{{$i}}{{$t}} {{end}}', '0a 1b '],
    ['{{range $k, $v := .Labels}}{{$k}}={{$v}};{{end}}', 'a=1;b=2;'],
    ['{{range .Nothing}}x{{else}}empty{{end}}', 'empty'],
    ['{{range .Tags}}{{if eq . "b"}}{{break}}{{end}}{{.}}{{end}}', 'a'],
    ['{{range .Tags}}{{if eq . "a"}}{{continue}}{{end}}{{.}}{{end}}', 'b'],
    ['{{with .State}}{{.Pid}}{{end}}{{with .Off}}x{{else}}y{{end}}', '42y'],
    ['{{with $s := .State}}{{$s.Status}} {{$.Name}}{{end}}', 'running /web'],
    ['{{$n := .Count}}{{$n = 5}}{{$n}}', '5'],
    ['a {{- .Name -}} b', 'a/webb'],
    ['a {{/* a comment */}} b {{- /* trimmed */ -}} c', 'a  bc'],
    ['{{index .Labels "a"}} {{index .Tags 1}} {{index .Labels "z"}}', '1 b <no value>'],
    ['{{(index .Ports "80/tcp" 0).HostPort}}', '8080'],
    ['{{(index (index .Ports "80/tcp") 0).HostPort}}', '8080'],
    ['{{len .Tags}} {{len .Name}} {{slice .Name 1}}', '2 4 web'],
    ['{{eq .Count 3}} {{ne .Name "x"}} {{eq .Name "a" "/web"}} {{lt 1 2}} {{ge 1 2}}', 'true true true true false'],
    ['{{and .On .Name}} {{or .Off .Nothing "z"}}', '/web z'],
    ['{{and .Off (index .Tags 9)}}', 'false'],
    ['{{json .State}} {{json .Name}} {{json .Nothing}}', '{"Status":"running","Pid":42} "/web" null'],
    ['{{json "<&>"}}', '"<&>"'],
    [
      '{{join .Tags ","}} {{split "a:b" ":"}} {{upper .Name}} {{lower "ABC"}} {{title "two words"}}',
      'a,b [a b] /WEB abc Two Words',
    ],
    ['{{truncate .Name 2}}|{{pad "x" 1 2}}|{{println "a" 1}}', '/w| x  |a 1\n'],
    [
      '{{printf "%-6s|%5d|%05.1f|%q|%v|%x|%%" .Name .Count 1.25 "a\\"b" .Tags 255}}',
      '/web  |    3|001.3|"a\\"b"|[a b]|ff|%',
    ],
    ['{{printf "%s" .Count}} {{printf "%d"}}', '%!s(int=3) %!d(MISSING)'],
    ['{{.Name | printf "%s!" | upper}}', '/WEB!'],
    ['{{print 1 2 "x" 3}}', '1 2x3'],
    ['{{define "t"}}[{{.}}]{{end}}{{template "t" .Count}}', '[3]'],
    ['{{"tab\\t"}}{{`raw\\n`}}{{1.5}}{{true}}{{\'a\'}}', 'tab\traw\\n1.5true97'],
    ['{{.state.status}}', 'running'],
  ];
  for (const [template, expected] of rows) test(template, () => assert.equal(run(template), expected));
});

describe('what is wrong with templates', () => {
  const rows: [template: string, message: string][] = [
    ['{{.ID', 'template: :1: unclosed action'],
    ['{{foo}}', 'template: :1: function "foo" not defined'],
    ['{{if .On}}x', 'template: :1: unexpected EOF'],
    ['{{end}}', 'template: :1: unexpected {{end}}'],
    ['{{$x}}', 'template: :1: undefined variable "$x"'],
    ['{{}}', 'template: :1: missing value for command'],
    ['{{"a}}', 'template: :1: unterminated quoted string'],
    ['a\n{{/* x', 'template: :2: unclosed comment'],
    ['{{.Foo}}', 'template: :1:2: executing "" at <.Foo>: map has no entry for key "Foo"'],
    ['a\n  {{.State.Foo}}', 'template: :2:4: executing "" at <.State.Foo>: map has no entry for key "Foo"'],
    ['{{range .Name}}x{{end}}', 'template: :1:8: executing "" at <.Name>: range can\'t iterate over /web'],
    ['{{index .Tags 5}}', 'template: :1:2: executing "" at <index>: error calling index: index out of range: 5'],
    ['{{json}}', 'template: :1:2: executing "" at <json>: wrong number of args for json: want 1 got 0'],
    ['{{lt 1 "a"}}', 'template: :1:2: executing "" at <lt>: error calling lt: incompatible types for comparison'],
    ['{{.__proto__}}', 'template: :1:2: executing "" at <.__proto__>: map has no entry for key "__proto__"'],
    ['{{.constructor}}', 'template: :1:2: executing "" at <.constructor>: map has no entry for key "constructor"'],
    ['{{define "t"}}{{template "t"}}{{end}}{{template "t"}}', ''],
  ];
  for (const [template, message] of rows) {
    test(template, () =>
      assert.throws(
        () => run(template),
        message === '' ? { name: 'TemplateError' } : { name: 'TemplateError', message },
      ),
    );
  }
});

describe('rows', () => {
  const row = createRow('*formatter.ContainerContext', {
    ID: () => 'abc',
    Image: () => '<none>',
    Label: (name) => `label ${name}`,
  });
  test('fields and methods', () => {
    assert.equal(
      executeTemplate(compileTemplate('{{.ID}} {{.Label "x"}} {{"y" | .Label}}'), row),
      'abc label x label y',
    );
  });
  test('their JSON has the fields by name, with HTML escaped as Go does', () => {
    assert.equal(executeTemplate(compileTemplate('{{json .}}'), row), '{"ID":"abc","Image":"\\u003cnone\\u003e"}');
  });
  test('an unknown field is named with its type', () => {
    assert.throws(() => executeTemplate(compileTemplate('{{.Foo}}'), row), {
      message: 'template: :1:2: executing "" at <.Foo>: can\'t evaluate field Foo in type *formatter.ContainerContext',
    });
  });
});
