@node "%~dp0image-text-encoder" %*
