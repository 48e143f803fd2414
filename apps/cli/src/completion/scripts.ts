/** Scripts that ask `ocictl __complete` for each word; a leading `:files` or `:directories` is the shell's part. */
export const completionScripts = {
  bash: `# ocictl completion for bash: eval "$(ocictl completion bash)"
_ocictl() {
  local IFS=$'\\n' cur words answer
  cur="\${COMP_WORDS[COMP_CWORD]}"
  words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  # bash takes ":" for the end of a word.
  if declare -F _get_comp_words_by_ref >/dev/null; then
    local cword
    _get_comp_words_by_ref -n =: cur words cword
    words=("\${words[@]:1:cword}")
  fi
  answer="$(ocictl __complete -- "\${words[@]}" 2>/dev/null)"
  case "$answer" in
    :files) COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null ;;
    :directories) COMPREPLY=($(compgen -d -- "$cur")); compopt -o filenames 2>/dev/null ;;
    *) COMPREPLY=($(compgen -W "$answer" -- "$cur")) ;;
  esac
  declare -F __ltrim_colon_completions >/dev/null && __ltrim_colon_completions "$cur"
  return 0
}
complete -F _ocictl ocictl
`,
  zsh: `#compdef ocictl
# ocictl completion for zsh: source <(ocictl completion zsh)
_ocictl() {
  local answer
  answer="$(ocictl __complete -- "\${words[@]:1:$((CURRENT - 1))}" 2>/dev/null)"
  case "$answer" in
    :files) _files ;;
    :directories) _files -/ ;;
    *) compadd -- \${(f)answer} ;;
  esac
}
compdef _ocictl ocictl
`,
  fish: `# ocictl completion for fish: ocictl completion fish | source
function __ocictl
  set -l words (commandline -opc)[2..-1] (commandline -ct)
  set -l answer (ocictl __complete -- $words 2>/dev/null)
  switch "$answer[1]"
    case ':files'
      __fish_complete_path (commandline -ct)
    case ':directories'
      __fish_complete_directories (commandline -ct)
    case '*'
      printf '%s\\n' $answer
  end
end
complete -c ocictl -f -a '(__ocictl)'
`,
} as const;
